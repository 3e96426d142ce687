# CLAMP-ResNet-50, Table 1.
_base_ = [
    '../../_base_/models/clamp_rn50.py',
    '../../_base_/schedules/adamw_210e.py',
    '../../_base_/data/ap10k.py',
]

model = dict(head=dict(names=_base_.dataset_type, decoder=_base_.codec))
optim_wrapper = dict(paramwise_cfg=_base_.resnet_paramwise_cfg)
