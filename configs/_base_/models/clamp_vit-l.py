# CLAMP-ViT-Large, with the loss weight of the authors' config.
_base_ = ['./topdown.py', './clip_vit-l.py', './deconvs.py', './clamp_head.py']

model = dict(
    backbone=dict(drop_path_rate=_base_.drop_path_rate, out='embeddings', **_base_.image_tower),
    head=dict(
        in_channels=_base_.image_channels,
        text_encoder=_base_.text_tower,
        spatial_loss=dict(upsample='deconv', loss_weight=1.0),
        **_base_.vit_deconvs,
        **_base_.clamp_head,
    ),
    test_cfg=_base_.flip_test,
)
