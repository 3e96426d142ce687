# All three types of data, trained in full as llava-1.5-7b_full_zero3, but by PyTorch's FSDP: weights and AdamW's state
# take 16 bytes for each of 6.8 billion weights, split over the GPUs. Not run by us at this size.
_base_ = [
    '../../_base_/models/llava_pose.py',
    '../../_base_/schedules/llava_pose_1e.py',
    '../../_base_/data/llava_pose_coco.py',
]

runner_type = 'FlexibleRunner'
strategy = dict(
    type='ShardedStrategy',
    model_wrapper=dict(
        type='MMFullyShardedDataParallel',
        auto_wrap_policy=dict(type='wrap_layers', layers=['LlamaDecoderLayer', 'CLIPVisionModel']),
        mixed_precision=dict(param_dtype='bfloat16', reduce_dtype='float32'),
    ),
    state_dict_cfg='full',  # one file, as of any other training
)

model = dict(tune='full', dtype='float32')
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    constructor='TrainableOptimWrapperConstructor',
    optimizer=dict(type='AdamW', lr=2e-5, weight_decay=0.0),
    clip_grad=dict(max_norm=1.0),
    accumulative_counts=2,
)
