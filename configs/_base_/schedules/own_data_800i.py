# Training from random weights in minutes on two CPU cores.
_base_ = ['./adamw_210e.py']

train_cfg = dict(max_epochs=40)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
param_scheduler = [
    dict(type='LinearLR', begin=0, end=30, start_factor=0.01, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=0, end=40, eta_min=1e-5, by_epoch=True, convert_to_iter_based=True),
]
