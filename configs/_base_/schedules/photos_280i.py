# For a few hundred photographs and a pretrained tower, which learns with 0.3 of the rate. A longer training takes other
# values of train_cfg.max_iters and param_scheduler.1.end.
_base_ = ['mmpose::_base_/default_runtime.py']
custom_imports = dict(imports=['clamp_mmpose'], allow_failed_imports=False)

randomness = dict(seed=0)
# EpochSeedHook: a resumed run gives the same weights as an uninterrupted one
custom_hooks = [dict(type='SyncBuffersHook'), dict(type='EpochSeedHook')]
default_hooks = dict(
    checkpoint=dict(by_epoch=False, interval=140, max_keep_ckpts=2, save_best='query_only/PCK@0.2', rule='greater'),
    logger=dict(interval=20, log_metric_by_epoch=False),
)
log_processor = dict(by_epoch=False)

train_cfg = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=280, val_interval=140)
val_cfg = dict()
test_cfg = dict()

optim_wrapper = dict(
    constructor='TrainableOptimWrapperConstructor',
    optimizer=dict(type='AdamW', lr=8e-4, weight_decay=0.05),
    paramwise_cfg=dict(norm_decay_mult=0.0, custom_keys={'backbone': dict(lr_mult=0.3)}),
)
param_scheduler = [
    dict(type='LinearLR', begin=0, end=30, start_factor=0.01, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=0, end=280, eta_min=1e-6, by_epoch=False),
]
auto_scale_lr = dict(base_batch_size=32)
