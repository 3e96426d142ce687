# SimpleBaseline, ViT-Base with CLIP weights, supplement 6.4.
_base_ = [
    '../../_base_/models/simple_baseline_vit-b-clip.py',
    '../../_base_/schedules/adamw_210e.py',
    '../../_base_/data/coco.py',
]

model = dict(head=dict(out_channels=17, decoder=_base_.codec))
optim_wrapper = dict(paramwise_cfg=_base_.vit_paramwise_cfg)
