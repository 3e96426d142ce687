# SimpleBaseline on ResNet-50 with ImageNet weights.
_base_ = ['./topdown.py', './deconvs.py', './heatmap_head.py']

model = dict(
    backbone=dict(type='ResNet', depth=50, init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50')),
    head=dict(in_channels=2048, **_base_.resnet_deconvs, **_base_.heatmap_head),
    test_cfg=_base_.flip_test,
)
