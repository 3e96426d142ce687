# The schedule of LLaVA-Pose (section 5.1) for LoRA: batches of 8, of which 2 are accumulated, on two GPUs. The paper
# takes the rest from LLaVA: one epoch, AdamW without weight decay, warm-up over 3 %, cosine, bfloat16; the seed and the
# clipping are those of its trainer. LLaVA-1.5's finetune_lora.sh has 2e-4 for LoRA and 2e-5 for the projector.
_base_ = ['mmpose::_base_/default_runtime.py']
custom_imports = dict(imports=['clamp_mmpose'], allow_failed_imports=False)

randomness = dict(seed=42)
custom_hooks = [
    dict(type='SyncBuffersHook'),
    dict(type='EpochSeedHook'),
    dict(type='InstructionCheckHook'),
    dict(type='TrainedPartsHook'),
]
default_hooks = dict(checkpoint=dict(interval=1, max_keep_ckpts=1, save_best=None))

train_cfg = dict(by_epoch=True, max_epochs=1)
val_cfg = None
test_cfg = None

# bf16 covers the range of float32, so the loss is not scaled; LoRA and the projector are float32
optim_wrapper = dict(
    type='AmpOptimWrapper',
    dtype='bfloat16',
    loss_scale=1.0,
    constructor='TrainableOptimWrapperConstructor',
    optimizer=dict(type='AdamW', lr=2e-4, weight_decay=0.0),
    paramwise_cfg=dict(custom_keys={'multi_modal_projector': dict(lr_mult=0.1)}),
    clip_grad=dict(max_norm=1.0),
    accumulative_counts=2,
)
# MMEngine converts parts of an epoch to batches, so that this holds for any number of conversations
warmup_end = 0.03
param_scheduler = [
    dict(type='LinearLR', begin=0, end=warmup_end, start_factor=0.001, by_epoch=True, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', begin=warmup_end, end=1, eta_min=0, by_epoch=True, convert_to_iter_based=True),
]
auto_scale_lr = dict(base_batch_size=16)
