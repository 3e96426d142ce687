# All three types of data, the language model and the projector trained in full, as in the paper: Table 3, first row.
# DeepSpeed's ZeRO-3 splits weights and AdamW's state over two GPUs with 80 GB, with the settings of LLaVA's zero3.json.
# Needs pip install "deepspeed<0.19". Started by torchrun --nproc_per_node 2 tools/train.py CONFIG --launcher pytorch.
# A checkpoint is a folder epoch_1.pth; `python WORK_DIR/zero_to_fp32.py WORK_DIR OUT --tag epoch_1.pth
# --safe_serialization` makes of it what tools/export.py reads. Not run by us at this size.
_base_ = [
    '../../_base_/models/llava_pose.py',
    '../../_base_/schedules/llava_pose_1e.py',
    '../../_base_/data/llava_pose_coco.py',
]

runner_type = 'FlexibleRunner'
strategy = dict(
    type='DeepSpeedStrategy',
    bf16=dict(enabled=True),
    gradient_clipping=1.0,
    train_micro_batch_size_per_gpu=8,
    gradient_accumulation_steps=2,
    zero_optimization=dict(
        stage=3,
        overlap_comm=True,
        contiguous_gradients=True,
        sub_group_size=1e9,
        stage3_max_live_parameters=1e9,
        stage3_max_reuse_distance=1e9,
        stage3_gather_16bit_weights_on_model_save=True,
    ),
)

model = dict(tune='full')
custom_hooks = [dict(type='SyncBuffersHook'), dict(type='EpochSeedHook'), dict(type='InstructionCheckHook')]
# the strategy clips and accumulates
optim_wrapper = dict(
    _delete_=True,
    type='DeepSpeedOptimWrapper',
    constructor='TrainableOptimWrapperConstructor',
    optimizer=dict(type='AdamW', lr=2e-5, weight_decay=0.0),
)
