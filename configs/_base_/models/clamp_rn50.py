# CLAMP-ResNet-50, with the loss weight of the authors' config.
_base_ = ['./topdown.py', './clip_rn50.py', './deconvs.py', './clamp_head.py']

model = dict(
    backbone=dict(out='embeddings', **_base_.image_tower),
    head=dict(
        in_channels=_base_.image_channels,
        text_encoder=_base_.text_tower,
        spatial_loss=dict(upsample='deconv', loss_weight=0.4),
        **_base_.resnet_deconvs,
        **_base_.clamp_head,
    ),
    test_cfg=_base_.flip_test,
)
