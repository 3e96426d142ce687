# The text-query head on SwinV2-T at 256: CapeX (Rusanovsky et al. 2024) on the schedule it shares with GraphCAPE. Its text
# encoder, GTE-base, is taken in the first version, which needs no code of its own. A child adds the data.
_base_ = ['./recipe.py']
text_model = 'thenlper/gte-base'

model = dict(
    backbone=dict(
        type='TIMMBackbone',
        model_name='swinv2_tiny_window16_256',
        init_cfg=dict(type='Pretrained', checkpoint='timm://ms_in1k')),
    head=dict(
        type='TextQueryHead',
        in_channels=768,
        text_encoder=dict(
            type='HFTextEncoder', model=text_model, init_cfg=dict(type='Pretrained', checkpoint=text_model)),
        width=256,
        num_heads=8,
        feedforward=768,
        encoder_layers=3,
        decoder_layers=3),
    test_cfg=dict(_delete_=True, flip_test=False))

custom_hooks = [dict(type='SyncBuffersHook'), dict(type='EpochSeedHook'), dict(type='EmbedTextsHook')]
train_cfg = dict(max_epochs=200, val_interval=10)
optim_wrapper = dict(
    _delete_=True, constructor='TrainableOptimWrapperConstructor', optimizer=dict(type='Adam', lr=1e-5))
param_scheduler = [
    dict(type='LinearLR', begin=0, end=1000, start_factor=0.001, by_epoch=False),
    dict(type='MultiStepLR', begin=0, end=200, milestones=[160, 180], gamma=0.1, by_epoch=True)]
auto_scale_lr = dict(base_batch_size=16)
