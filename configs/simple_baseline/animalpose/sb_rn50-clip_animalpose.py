# SimpleBaseline, ResNet-50 with CLIP weights, Table 4.
_base_ = [
    '../../_base_/models/simple_baseline_rn50-clip.py',
    '../../_base_/schedules/adamw_210e.py',
    '../../_base_/data/animalpose.py',
]

model = dict(head=dict(out_channels=20, decoder=_base_.codec))
optim_wrapper = dict(paramwise_cfg=_base_.resnet_paramwise_cfg)
