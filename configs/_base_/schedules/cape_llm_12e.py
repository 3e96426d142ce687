# The schedule of CapeLLM (Kim et al., section 4.2). The paper does not name weight decay, clipping, cosine, bf16 and
# seed; they are those of the authors' script.
_base_ = ['mmpose::_base_/default_runtime.py']
custom_imports = dict(imports=['clamp_mmpose'], allow_failed_imports=False)

randomness = dict(seed=42)
custom_hooks = [
    dict(type='SyncBuffersHook'),
    dict(type='EpochSeedHook'),
    dict(type='TrainedPartsHook'),
    dict(type='ConversationLengthHook'),
]
default_hooks = dict(checkpoint=dict(interval=1, max_keep_ckpts=2, save_best='query_only/PCK@0.2', rule='greater'))

train_cfg = dict(by_epoch=True, max_epochs=12, val_interval=1)
val_cfg = dict()
test_cfg = dict()

# A step takes 128 conversations: 32 batches of 4 on one GPU, or 32 batches of 1 on each of 4 GPUs as in the paper.
# bf16 covers the range of float32, so the loss is not scaled; LoRA and the projector stay float32.
optim_wrapper = dict(
    type='AmpOptimWrapper',
    dtype='bfloat16',
    loss_scale=1.0,
    constructor='TrainableOptimWrapperConstructor',
    optimizer=dict(type='AdamW', lr=5e-4, weight_decay=0.01),
    clip_grad=dict(max_norm=1.0),
    accumulative_counts=32,
)
# Warm-up over 3 % of the training, 0.36 of 12 epochs, then cosine. MMEngine counts batches, not steps of the optimizer,
# and converts epochs to batches with the length of the data loader, so that this holds for any number of conversations:
# 60,000 of them (section 3.3) are 15,000 batches of 4 in an epoch, 5,400 of warm-up and 180,000 in all.
warmup_end = 0.36
param_scheduler = [
    dict(type='LinearLR', begin=0, end=warmup_end, start_factor=0.001, by_epoch=True, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', begin=warmup_end, end=12, eta_min=0, by_epoch=True, convert_to_iter_based=True),
]
auto_scale_lr = dict(base_batch_size=4)
