# CLAMP-ResNet-50, Table 4.
_base_ = [
    '../../_base_/models/clamp_rn50.py',
    '../../_base_/schedules/adamw_210e.py',
    '../../_base_/data/animalpose.py',
]

model = dict(head=dict(names=_base_.dataset_type, decoder=_base_.codec))
optim_wrapper = dict(paramwise_cfg=_base_.resnet_paramwise_cfg)
