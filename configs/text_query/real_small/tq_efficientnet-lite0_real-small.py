# One model for all seven categories, in minutes on two CPU cores.
_base_ = [
    '../../_base_/models/efficientnet_lite0.py',
    '../../_base_/schedules/photos_280i.py',
    '../../_base_/data/real_small.py',
]

model = dict(
    head=dict(
        type='TextQueryHead',
        in_channels=_base_.image_channels,
        text_encoder=_base_.text_tower,
        width=256,
        num_heads=8,
        feedforward=512,
        encoder_layers=2,
        decoder_layers=2,
        decoder=_base_.codec,
    ),
    test_cfg=dict(flip_test=True),
)
# the frozen text tower reads each name once, before the training
custom_hooks = [dict(type='SyncBuffersHook'), dict(type='EpochSeedHook'), dict(type='EmbedTextsHook')]
