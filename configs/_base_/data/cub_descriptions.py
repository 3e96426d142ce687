# The 150 seen classes of CUB-200-2011 with descriptions (FocusCLIP, section 4.3, appendix D) and human gaze from
# CUB-GHA; tested on the 50 unseen classes of Xian et al.'s testclasses.txt. An entry's "id" is that of images.txt.
input_size = (224, 224)
test_pipeline = [
    dict(type='LoadIntactImage'),
    dict(type='ResizeToInput', input_size=input_size),
    dict(type='PackZeroShotInputs'),
]

train_dataloader = dict(
    batch_size=32,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='DescriptionsDataset',
        data_root='data/cub/',
        ann_file='descriptions/train.json',
        data_prefix=dict(img='images/'),
        pipeline=[
            dict(type='LoadIntactImage'),
            dict(type='SampleDescription'),
            dict(type='ResizeToInput', input_size=input_size),
            dict(type='GenerateFocusHeatmap', source='file', path='data/cub/CUB_GHA/{img_id}.jpg'),
            dict(type='PackFocusInputs'),
        ],
    ),
)
test_dataloader = dict(
    batch_size=64,
    num_workers=4,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='CUBDataset', classes='unseen', data_root='data/cub', pipeline=test_pipeline),
)
test_evaluator = dict(type='ZeroShotAccuracy')
