# Toy objects in MP-100's format, drawn by "make demo-cape": nine categories for training, two for val, three for test.
dataset_type = 'MP100Dataset'
data_mode = 'topdown'
input_size = (128, 128)
codec = dict(type='RegressionLabel', input_size=input_size)
# unlabeled toy keypoints are hidden or missing
source = dict(
    type=dataset_type,
    data_root='work_dirs/demo_cape/data/',
    data_prefix=dict(img='images/'),
    texts='work_dirs/demo_cape/data/texts',
    hidden='absent',
    data_mode=data_mode,
)
load = [dict(type='LoadIntactImage'), dict(type='GetBBoxCenterScale', padding=1.25)]
augment = [
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomBBoxTransform', shift_factor=0.1, scale_factor=(0.8, 1.2), rotate_factor=15.0),
]
crop = [dict(type='TopdownAffine', input_size=input_size)]
texts = [dict(type='GetTextQueries'), dict(type='PackTextQueries')]

train_dataloader = dict(
    batch_size=16,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='CategoryBalancedSampler'),
    dataset=dict(
        ann_file='annotations/mp100_split1_train.json',
        **source,
        pipeline=[*load, *augment, *crop, dict(type='GenerateTarget', encoder=codec), *texts],
    ),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=1,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        ann_file='annotations/mp100_split1_val.json', **source, test_mode=True, pipeline=[*load, *crop, *texts]
    ),
)
test_dataloader = dict(
    batch_size=32,
    num_workers=1,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        ann_file='annotations/mp100_split1_test.json', **source, test_mode=True, pipeline=[*load, *crop, *texts]
    ),
)

val_evaluator = [dict(type='CapePCK', protocols='query_only'), dict(type='ConfidenceAUROC')]
test_evaluator = val_evaluator
