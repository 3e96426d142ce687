# SimpleBaseline, ViT-Large with CLIP weights, Table 9.
_base_ = [
    '../../_base_/models/simple_baseline_vit-l-clip.py',
    '../../_base_/schedules/adamw_210e.py',
    '../../_base_/data/ap10k_224x224.py',
]

model = dict(head=dict(out_channels=17, decoder=_base_.codec))
optim_wrapper = dict(paramwise_cfg=_base_.vit_paramwise_cfg)
