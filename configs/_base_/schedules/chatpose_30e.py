# The published schedule of ChatPose: 30 epochs of 80,000 samples, batches of 16 of which 2 are accumulated. Its
# learning rate is not in the supplement: 2e-4 without weight decay, after a warm-up over 3 %, is that of LLaVA-1.5's
# finetune_lora.sh.
_base_ = ['mmpose::_base_/default_runtime.py']
custom_imports = dict(imports=['clamp_mmpose'], allow_failed_imports=False)

randomness = dict(seed=0)
custom_hooks = [
    dict(type='SyncBuffersHook'),
    dict(type='EpochSeedHook'),
    dict(type='InstructionCheckHook'),
    dict(type='TrainedPartsHook'),
]
default_hooks = dict(checkpoint=dict(interval=1, max_keep_ckpts=2, save_best=None))

train_cfg = dict(by_epoch=True, max_epochs=30)
val_cfg = None
test_cfg = None

# bf16 covers the range of float32, so the loss is not scaled; what is trained is float32
optim_wrapper = dict(
    type='AmpOptimWrapper',
    dtype='bfloat16',
    loss_scale=1.0,
    constructor='TrainableOptimWrapperConstructor',
    optimizer=dict(type='AdamW', lr=2e-4, weight_decay=0.0),
    clip_grad=dict(max_norm=1.0),
    accumulative_counts=2,
)
# MMEngine converts parts of an epoch to batches
warmup_end = 0.03 * train_cfg['max_epochs']
param_scheduler = [
    dict(type='LinearLR', begin=0, end=warmup_end, start_factor=0.001, by_epoch=True, convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        begin=warmup_end,
        end=train_cfg['max_epochs'],
        eta_min=0,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]
auto_scale_lr = dict(base_batch_size=16)
