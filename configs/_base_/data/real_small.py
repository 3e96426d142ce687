# Photographs of seven categories in MP-100's format, docs/data.md says from where: real_small in the folder that the
# environment variable CLAMP_MMPOSE_DATA names, in data/ or in ../shared/data/. Another set of this form can be taken.
_base_ = []
import os  # noqa: E402  MMEngine looks for _base_ first

dataset_type = 'MP100Dataset'
data_mode = 'topdown'
folder = os.environ.get('CLAMP_MMPOSE_DATA') or ('data' if os.path.isdir('data/real_small') else '../shared/data')
data_root = folder + '/real_small/'
texts_file = data_root + 'categories.json'
input_size = (160, 160)
codec = dict(type='RegressionLabel', input_size=input_size)
source = dict(
    type=dataset_type, data_root=data_root, data_prefix=dict(img='images/'), texts=texts_file, data_mode=data_mode
)

load = [dict(type='LoadIntactImage', keep=True), dict(type='GetBBoxCenterScale', padding=1.25)]
augment = [
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomBBoxTransform', shift_prob=0.0, scale_factor=(0.75, 1.25), rotate_factor=30.0),
]
crop = [dict(type='TopdownAffine', input_size=input_size)]
target = [dict(type='GenerateTarget', encoder=codec)]
texts = [dict(type='GetTextQueries'), dict(type='PackTextQueries')]

train_dataloader = dict(
    batch_size=32,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(ann_file='annotations/train.json', **source, pipeline=[*load, *augment, *crop, *target, *texts]),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=1,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(ann_file='annotations/val.json', **source, test_mode=True, pipeline=[*load, *crop, *texts]),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='CapePCK', protocols='query_only')
test_evaluator = val_evaluator
