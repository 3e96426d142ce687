# The text-query head of "make demo-cape": trained with its text tower from random weights, in minutes on two CPU cores.
_base_ = [
    '../../_base_/models/topdown.py',
    '../../_base_/schedules/adamw_210e.py',
    '../../_base_/data/toy_objects.py',
]

model = dict(
    backbone=dict(
        type='TIMMBackbone', model_name='resnet10t', out_indices=(3,), channels=(32, 64, 128, 256), stem_width=16
    ),
    head=dict(
        type='TextQueryHead',
        in_channels=128,
        text_encoder=dict(
            type='CLIPTextEncoder',
            tune=True,
            arch=dict(
                embed_dim=32,
                vision_cfg=dict(),
                text_cfg=dict(context_length=77, vocab_size=49408, width=32, heads=2, layers=1),
            ),
        ),
        width=128,
        num_heads=4,
        feedforward=256,
        encoder_layers=1,
        decoder_layers=2,
        dropout=0.0,
        sigma=6.0,
        heatmap_weight=10.0,  # published: 2, but with it hidden keypoints are learned later
        decoder=_base_.codec,
    ),
    test_cfg=dict(flip_test=False),
)

train_cfg = dict(max_epochs=10, val_interval=10)
optim_wrapper = dict(
    _delete_=True,
    constructor='TrainableOptimWrapperConstructor',
    optimizer=dict(type='AdamW', lr=8e-4, weight_decay=0.05),
)
param_scheduler = [
    dict(type='LinearLR', begin=0, end=50, start_factor=0.01, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=0, end=10, eta_min=1e-5, by_epoch=True, convert_to_iter_based=True),
]
default_hooks = dict(checkpoint=dict(interval=10, save_best=None))
