# SimpleBaseline, ResNet-50 with ImageNet weights, Table 1.
_base_ = [
    '../../_base_/models/simple_baseline_rn50-imagenet.py',
    '../../_base_/schedules/adamw_210e.py',
    '../../_base_/data/ap10k.py',
]

model = dict(head=dict(out_channels=17, decoder=_base_.codec))
optim_wrapper = dict(paramwise_cfg=_base_.resnet_paramwise_cfg)
