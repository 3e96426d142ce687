# The retrieval model that scores text-to-pose and SPG. It is trained on all texts of PoseScript and tested on those
# that people wrote. Its numbers are not those of PoseScript's own model: score every method by the same one.
_base_ = ['mmpose::_base_/default_runtime.py', '../../_base_/models/pose_text_retrieval.py']
custom_imports = dict(imports=['clamp_mmpose'], allow_failed_imports=False)

posescript = 'data/posescript'
amass = 'data/amass'
text_model = 'distilbert/distilbert-base-uncased'
randomness = dict(seed=0)
custom_hooks = [dict(type='EpochSeedHook')]
model = dict(
    text_encoder=dict(
        type='HFTextEncoder',
        model=text_model,
        tune=True,
        truncate=True,
        init_cfg=dict(type='Pretrained', checkpoint=text_model),
    ),
    pose_encoder=dict(dropout=0.1),
)

train_dataloader = dict(
    batch_size=128,
    num_workers=4,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='PoseDataset',
        task='text',
        reader=dict(type='PoseScript', root=posescript, amass=amass, split='train', texts='all'),
        pipeline=[dict(type='PackPoseText')],
    ),
)
val_dataloader = dict(
    batch_size=128,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='PoseDataset',
        task='text',
        reader=dict(type='PoseScript', root=posescript, amass=amass, split='val', texts='human'),
        pipeline=[dict(type='PackPoseText', text='first')],
        test_mode=True,
    ),
)
test_dataloader = dict(
    batch_size=128,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='PoseDataset',
        task='text',
        reader=dict(type='PoseScript', root=posescript, amass=amass, split='test', texts='human'),
        pipeline=[dict(type='PackPoseText', text='first')],
        test_mode=True,
    ),
)
val_evaluator = dict(type='PoseRetrieval', ks=(1, 5, 10), pool=32)
test_evaluator = val_evaluator

train_cfg = dict(by_epoch=True, max_epochs=40, val_interval=2)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(
    constructor='TrainableOptimWrapperConstructor',
    optimizer=dict(type='AdamW', lr=5e-4, weight_decay=0.05),
    paramwise_cfg=dict(custom_keys={'text_encoder': dict(lr_mult=0.1)}),
    clip_grad=dict(max_norm=1.0),
)
param_scheduler = [
    dict(type='LinearLR', begin=0, end=500, start_factor=0.001, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=0, end=40, eta_min=0, by_epoch=True, convert_to_iter_based=True),
]
default_hooks = dict(
    checkpoint=dict(interval=2, max_keep_ckpts=1, save_best='retrieval/text_to_pose/R@1', rule='greater')
)
