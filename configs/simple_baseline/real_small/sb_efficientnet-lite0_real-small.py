# The plain heatmap head on one category: CLAMP_MMPOSE_CATEGORY=person python tools/train.py THIS_FILE
_base_ = [
    '../../_base_/models/efficientnet_lite0.py',
    '../../_base_/models/heatmap_head.py',
    '../../_base_/schedules/photos_280i.py',
    '../../_base_/data/real_small_category.py',
]

model = dict(
    head=dict(
        in_channels=_base_.image_channels,
        out_channels=_base_.num_keypoints,
        deconv_out_channels=(128, 128),
        deconv_kernel_sizes=(4, 4),
        decoder=_base_.codec,
        **_base_.heatmap_head,
    ),
    test_cfg=_base_.flip_test,
)
