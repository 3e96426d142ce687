# SimpleBaseline on the image tower of CLIP's ResNet-50, a baseline of the CLAMP paper.
_base_ = ['./topdown.py', './clip_rn50.py', './deconvs.py', './heatmap_head.py']

model = dict(
    backbone=_base_.image_tower,
    head=dict(in_channels=_base_.image_channels, **_base_.resnet_deconvs, **_base_.heatmap_head),
    test_cfg=_base_.flip_test,
)
