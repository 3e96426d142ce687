# FocusCLIP of "make demo-focus": both towers are trained from random weights, in minutes on two CPU cores.
_base_ = [
    '../../_base_/models/focusclip_vit-b-bert.py',
    '../../_base_/schedules/focusclip_64e.py',
    '../../_base_/data/toy_people.py',
]

model = dict(
    backbone=dict(
        _delete_=True,
        type='TIMMBackbone',
        model_name='resnet10t',
        out_indices=(4,),
        channels=(24, 48, 96, 192),
        stem_width=8,
    ),
    in_channels=192,
    text_encoder=dict(
        _delete_=True,
        type='CLIPTextEncoder',
        tune=True,
        arch=dict(
            embed_dim=64,
            vision_cfg=dict(),
            text_cfg=dict(context_length=77, vocab_size=49408, width=64, heads=2, layers=1),
        ),
    ),
    embed_dims=64,
    freeze_image=False,
    loss=dict(type='NTXentLoss', temperature=0.1),
)

train_cfg = dict(max_epochs=8, val_interval=8)
val_cfg = dict(_delete_=True)
optim_wrapper = dict(
    _delete_=True,
    constructor='TrainableOptimWrapperConstructor',
    optimizer=dict(type='AdamW', lr=2e-3, weight_decay=0.05),
)
param_scheduler = [
    dict(type='LinearLR', begin=0, end=50, start_factor=0.01, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=0, end=8, eta_min=1e-5, by_epoch=True, convert_to_iter_based=True),
]
default_hooks = dict(checkpoint=dict(interval=8), logger=dict(interval=20))
