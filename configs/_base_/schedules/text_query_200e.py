# The schedule of CapeX (Rusanovsky et al. 2024) and GraphCAPE.
_base_ = ['./adamw_210e.py']

custom_hooks = [dict(type='SyncBuffersHook'), dict(type='EpochSeedHook'), dict(type='EmbedTextsHook')]
train_cfg = dict(max_epochs=200)
optim_wrapper = dict(
    _delete_=True, constructor='TrainableOptimWrapperConstructor', optimizer=dict(type='Adam', lr=1e-5)
)
param_scheduler = [
    dict(type='LinearLR', begin=0, end=1000, start_factor=0.001, by_epoch=False),
    dict(type='MultiStepLR', begin=0, end=200, milestones=[160, 180], gamma=0.1, by_epoch=True),
]
auto_scale_lr = dict(base_batch_size=16)
