# CLAMP without CLIP, on one category: CLAMP_MMPOSE_CATEGORY=person python tools/train.py THIS_FILE
_base_ = [
    '../../_base_/models/efficientnet_lite0.py',
    '../../_base_/schedules/photos_280i.py',
    '../../_base_/data/real_small_category.py',
]

model = dict(
    head=dict(
        type='CLAMPHead',
        in_channels=_base_.image_channels,
        names=_base_.names,
        text_encoder=_base_.text_tower,
        project=True,
        cross_attention=dict(width=128, num_heads=4, num_layers=1),
        deconv_out_channels=(128, 128),
        deconv_kernel_sizes=(4, 4),
        spatial_loss=dict(upsample='bilinear', loss_weight=0.4),
        feature_loss=dict(sampling='bilinear', average='labeled', loss_weight=5e-4),
        decoder=_base_.codec,
    ),
    test_cfg=_base_.flip_test,
)
