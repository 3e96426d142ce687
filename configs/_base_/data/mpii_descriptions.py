# MPII Pose Descriptions (FocusCLIP, appendix A) by GPT-4; description_files adds those of other language models.
input_size = (224, 224)
load = [dict(type='LoadIntactImage')]
describe = [dict(type='SampleDescription')]
resize = [dict(type='ResizeToInput', input_size=input_size)]
pack = [dict(type='PackFocusInputs')]

train_dataloader = dict(
    batch_size=32,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='MPIIDescriptionsDataset',
        data_root='data/mpii/',
        ann_file='annotations/mpii_train.json',
        description_files=['data/mpii/captions/gpt-4-0613/train.json'],
        missing_descriptions='skip',  # 14,644 of MPII's 14,679 training images have one
        data_prefix=dict(img='images/'),
        pipeline=[*load, *describe, *resize, dict(type='GenerateFocusHeatmap'), *pack],
    ),
)
