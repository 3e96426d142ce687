# SimpleBaseline on the image tower of CLIP's ViT-L/14, a baseline of the CLAMP paper.
_base_ = ['./topdown.py', './clip_vit-l.py', './deconvs.py', './heatmap_head.py']

model = dict(
    backbone=dict(drop_path_rate=_base_.drop_path_rate, **_base_.image_tower),
    head=dict(in_channels=_base_.image_channels, **_base_.vit_deconvs, **_base_.heatmap_head),
    test_cfg=_base_.flip_test,
)
