# The schedule of CLAMP (section 4.1 and the authors' configs), also used for SimpleBaseline.
_base_ = ['mmpose::_base_/default_runtime.py']
custom_imports = dict(imports=['clamp_mmpose'], allow_failed_imports=False)

randomness = dict(seed=0)
# EpochSeedHook: a resumed run gives the same weights as an uninterrupted one
custom_hooks = [dict(type='SyncBuffersHook'), dict(type='EpochSeedHook')]
default_hooks = dict(checkpoint=dict(interval=5, max_keep_ckpts=2, save_best='auto', rule='greater'))

train_cfg = dict(by_epoch=True, max_epochs=210, val_interval=10)
val_cfg = dict()
test_cfg = dict()

optim_wrapper = dict(
    constructor='TrainableOptimWrapperConstructor',
    optimizer=dict(type='AdamW', lr=5e-4, weight_decay=1e-4),
    paramwise_cfg=dict(norm_decay_mult=0.0),
)
# A ViT has a tenth of the learning rate, and no weight decay on its norms. custom_keys override norm_decay_mult in
# MMEngine, so the norms are listed; 24 blocks are ViT-L's.
vit_paramwise_cfg = dict(
    custom_keys={
        'backbone': dict(lr_mult=0.1),
        'backbone.visual.ln_': dict(lr_mult=0.1, decay_mult=0.0),
        **{f'backbone.visual.transformer.resblocks.{i}.ln_': dict(lr_mult=0.1, decay_mult=0.0) for i in range(24)},
    }
)
# with a ResNet, biases have no weight decay either (the authors' configs)
resnet_paramwise_cfg = dict(custom_keys={'bias': dict(decay_mult=0.0)})
param_scheduler = [
    dict(type='LinearLR', begin=0, end=500, start_factor=0.001, by_epoch=False),
    dict(type='MultiStepLR', begin=0, end=210, milestones=[170, 200], gamma=0.1, by_epoch=True),
]
auto_scale_lr = dict(base_batch_size=128)
