# CLAMP-ViT-Base, Table 4.
_base_ = [
    '../../_base_/models/clamp_vit-b.py',
    '../../_base_/schedules/adamw_210e.py',
    '../../_base_/data/animalpose.py',
]

model = dict(head=dict(names=_base_.dataset_type, decoder=_base_.codec))
optim_wrapper = dict(paramwise_cfg=_base_.vit_paramwise_cfg)
