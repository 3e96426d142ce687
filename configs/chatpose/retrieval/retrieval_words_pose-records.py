# A small retrieval model from scratch, for poses with texts in our JSONL (clamp_mmpose/datasets/poses/pose_records.py).
# clamp_mmpose.language.words.write_vocabulary makes the vocabulary of the texts that it is trained on.
_base_ = ['mmpose::_base_/default_runtime.py', '../../_base_/models/pose_text_retrieval.py']
custom_imports = dict(imports=['clamp_mmpose'], allow_failed_imports=False)

root = 'data/poses'
epochs = 8
randomness = dict(seed=0)
custom_hooks = [dict(type='EpochSeedHook')]
model = dict(
    text_encoder=dict(type='WordTextEncoder', vocabulary=f'{root}/words.json', embed_dims=64),
    pose_encoder=dict(hidden=256, num_layers=1, dropout=0.1),
    embed_dims=64,
)

train_dataloader = dict(
    batch_size=64,
    num_workers=0,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='PoseDataset',
        task='text',
        reader=dict(type='PoseRecords', ann_files='train.jsonl', data_root=root),
        pipeline=[dict(type='PackPoseText')],
    ),
)
val_dataloader = dict(
    batch_size=256,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='PoseDataset',
        task='text',
        reader=dict(type='PoseRecords', ann_files='val.jsonl', data_root=root),
        pipeline=[dict(type='PackPoseText', text='first')],
        test_mode=True,
    ),
)
val_evaluator = dict(type='PoseRetrieval', ks=(1, 5, 10), pool=32)
test_dataloader = val_dataloader
test_evaluator = val_evaluator

train_cfg = dict(by_epoch=True, max_epochs=epochs, val_interval=epochs)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(
    constructor='TrainableOptimWrapperConstructor',
    optimizer=dict(type='AdamW', lr=2e-3, weight_decay=0.05),
    clip_grad=dict(max_norm=1.0),
)
param_scheduler = [
    dict(type='LinearLR', begin=0, end=30, start_factor=0.01, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=0, end=epochs, eta_min=1e-5, by_epoch=True, convert_to_iter_based=True),
]
default_hooks = dict(checkpoint=dict(interval=epochs, save_best=None), logger=dict(interval=10))
