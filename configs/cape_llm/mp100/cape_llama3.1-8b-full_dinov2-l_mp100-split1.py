# Language model and image tower trained in full; in the paper the language model has LoRA. FSDP shards weights and
# AdamW's state, 16 bytes for each of 8.3 billion weights, over 8 GPUs with 80 GB. Not run by us.
_base_ = ['./cape_llama3.1-8b_dinov2-l_mp100-split1.py']

runner_type = 'FlexibleRunner'
strategy = dict(
    type='ShardedStrategy',
    model_wrapper=dict(
        type='MMFullyShardedDataParallel',
        auto_wrap_policy=dict(type='wrap_layers', layers=['LlamaDecoderLayer', 'Dinov2Layer']),
        mixed_precision=dict(param_dtype='bfloat16', reduce_dtype='float32'),
    ),
    state_dict_cfg='full',  # one file, as of any other training
)

model = dict(
    backbone=dict(tune='full'),
    head=dict(language_model=dict(tune='full', dtype='float32', gradient_checkpointing=True)),
)
# 5e-4, the paper's rate for LoRA, ruins a tower that is trained in full (Table 4); the projector starts from nothing
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    constructor='TrainableOptimWrapperConstructor',
    optimizer=dict(type='AdamW', lr=1e-5, weight_decay=0.01),
    paramwise_cfg=dict(custom_keys={'head.projector': dict(lr_mult=50)}),
    clip_grad=dict(max_norm=1.0),
)
train_dataloader = dict(batch_size=16)  # 8 GPUs: 128 conversations in a step
