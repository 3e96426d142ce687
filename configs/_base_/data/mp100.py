# MP-100 (Xu et al. 2022) at 256 x 256 pixels; a child config adds the split.
dataset_type = 'MP100Dataset'
data_mode = 'topdown'
input_size = (256, 256)
codec = dict(type='RegressionLabel', input_size=input_size)
source = dict(type=dataset_type, data_root='data/mp100/', data_prefix=dict(img='images/'), data_mode=data_mode)

load = [dict(type='LoadIntactImage'), dict(type='GetBBoxCenterScale', padding=1.25)]
# as published: no flips, scale +-15 %, rotation +-15 degrees
augment = [dict(type='RandomBBoxTransform', shift_prob=0.0, scale_factor=(0.85, 1.15), rotate_factor=15.0)]
crop = [dict(type='TopdownAffine', input_size=input_size)]
target = [dict(type='GenerateTarget', encoder=codec)]
texts = [dict(type='GetTextQueries'), dict(type='PackTextQueries')]

train_dataloader = dict(
    batch_size=16,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='CategoryBalancedSampler'),
    dataset=dict(**source, pipeline=[*load, *augment, *crop, *target, *texts]),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=4,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(**source, test_mode=True, pipeline=[*load, *crop, *texts]),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='CapePCK', protocols='query_only')
test_evaluator = dict(type='CapePCK', protocols=['pairs', 'query_only'])
