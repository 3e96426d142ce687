# The recipe of FocusCLIP (section 4 and Table C4), and its towers: ViT-B/16 with ImageNet weights, frozen, and BERT.
_base_ = ['mmpose::_base_/default_runtime.py']
custom_imports = dict(imports=['clamp_mmpose'], allow_failed_imports=False)

model = dict(
    type='FocusCLIP',
    # mean and std of timm's ViT-B/16
    data_preprocessor=dict(type='PoseDataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3, bgr_to_rgb=True),
    backbone=dict(
        type='TIMMBackbone', model_name='vit_base_patch16_224', pooled=True, init_cfg=dict(
            type='Pretrained', checkpoint='timm://')),
    in_channels=768,
    text_encoder=dict(
        type='HFTextEncoder', model='bert-base-uncased', tune=True, truncate=True, init_cfg=dict(
            type='Pretrained', checkpoint='bert-base-uncased')),
    loss=dict(type='NTXentLoss', temperature=0.5))

randomness = dict(seed=0)
custom_hooks = [dict(type='SyncBuffersHook'), dict(type='EpochSeedHook'), dict(type='TextLengthHook')]
default_hooks = dict(checkpoint=dict(interval=1, max_keep_ckpts=2))

train_cfg = dict(by_epoch=True, max_epochs=64)
val_cfg = None
optim_wrapper = dict(
    constructor='TrainableOptimWrapperConstructor', optimizer=dict(type='SGD', lr=1e-3, momentum=0.9))
auto_scale_lr = dict(base_batch_size=32)
