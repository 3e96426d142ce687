# Toy people, drawn by "make demo-focus": 48 pairs of activity and shirt for training, 12 others for testing.
input_size = (96, 96)
root = 'work_dirs/demo_focus/data'

train_dataloader = dict(
    batch_size=64,
    num_workers=1,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='MPIIDescriptionsDataset',
        data_root=root,
        ann_file='annotations/train.json',
        data_prefix=dict(img='images/'),
        pipeline=[
            dict(type='LoadIntactImage'),
            dict(type='SampleDescription'),
            dict(type='ResizeToInput', input_size=input_size),
            dict(type='GenerateFocusHeatmap'),
            dict(type='PackFocusInputs'),
        ],
    ),
)
val_dataloader = dict(
    batch_size=64,
    num_workers=1,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='ZeroShotTasks',
        tasks={
            name: dict(type='ZeroShotDataset', data_root=root, ann_file=f'zero_shot/{name}.json')
            for name in ('activity', 'color', 'combination')
        },
        pipeline=[
            dict(type='LoadIntactImage'),
            dict(type='ResizeToInput', input_size=input_size, crop_bbox=True),
            dict(type='PackZeroShotInputs'),
        ],
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='ZeroShotAccuracy')
test_evaluator = val_evaluator
