# Pipeline steps and data loaders that the data sets share. Ground-truth boxes, as in the CLAMP paper.
# (This folder is not named "datasets": MMPose would use configs/_base_/datasets/ap10k.py as its metainfo file.)
data_mode = 'topdown'
input_size = (256, 256)
codec = dict(type='KeypointHeatmap', input_size=input_size, heatmap_size=(64, 64), sigma=2)

load = [dict(type='LoadIntactImage'), dict(type='GetBBoxCenterScale')]
# as in CLAMP's released code: half body 0.3, scale +-50 %, rotation up to 80 degrees, no shift
augment = [
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomHalfBody', prob=0.3),
    dict(type='RandomBBoxTransform', shift_prob=0.0, scale_factor=(0.5, 1.5), rotate_factor=80.0),
]
crop = [dict(type='TopdownAffine', input_size=input_size)]
pack = [dict(type='PackPoseInputs')]

train_dataloader = dict(
    batch_size=128,  # total: the authors used 32 on each of four GPUs
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        data_mode=data_mode, pipeline=[*load, *augment, *crop, dict(type='GenerateTarget', encoder=codec), *pack]
    ),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=4,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(data_mode=data_mode, test_mode=True, pipeline=[*load, *crop, *pack]),
)
test_dataloader = val_dataloader

# uses the annotations of the data set it evaluates; PCK if its metainfo has no sigmas
val_evaluator = dict(type='CocoOrPCK')
test_evaluator = val_evaluator
