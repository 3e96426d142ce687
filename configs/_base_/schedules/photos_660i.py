# For a few hundred photographs and a pretrained tower, which learns with 0.3 of the rate. A longer training takes other
# values of train_cfg.max_iters and param_scheduler.1.end.
_base_ = ['./adamw_210e.py']

train_cfg = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=660, val_interval=220)
default_hooks = dict(
    checkpoint=dict(by_epoch=False, interval=220, save_best='query_only/PCK@0.2'),
    logger=dict(interval=20, log_metric_by_epoch=False),
)
log_processor = dict(by_epoch=False)
optim_wrapper = dict(
    optimizer=dict(lr=8e-4, weight_decay=0.05), paramwise_cfg=dict(custom_keys={'backbone': dict(lr_mult=0.3)})
)
param_scheduler = [
    dict(type='LinearLR', begin=0, end=30, start_factor=0.01, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=0, end=660, eta_min=1e-6, by_epoch=False),
]
