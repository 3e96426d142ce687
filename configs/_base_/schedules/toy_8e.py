# Short training from random weights, for "make demo".
_base_ = ['./adamw_210e.py']

train_cfg = dict(max_epochs=8, val_interval=2)
default_hooks = dict(checkpoint=dict(interval=2))
optim_wrapper = dict(optimizer=dict(lr=2e-3))
param_scheduler = [
    dict(type='LinearLR', begin=0, end=30, start_factor=0.01, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=0, end=8, eta_min=1e-5, by_epoch=True, convert_to_iter_based=True),
]
