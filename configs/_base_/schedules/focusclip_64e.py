# The schedule of FocusCLIP (section 4 and Table C4).
_base_ = ['mmpose::_base_/default_runtime.py']
custom_imports = dict(imports=['clamp_mmpose'], allow_failed_imports=False)

randomness = dict(seed=0)
custom_hooks = [dict(type='SyncBuffersHook'), dict(type='EpochSeedHook'), dict(type='TextLengthHook')]
default_hooks = dict(checkpoint=dict(interval=1, max_keep_ckpts=2))

train_cfg = dict(by_epoch=True, max_epochs=64)
val_cfg = None
optim_wrapper = dict(constructor='TrainableOptimWrapperConstructor', optimizer=dict(type='SGD', lr=1e-3, momentum=0.9))
auto_scale_lr = dict(base_batch_size=32)
