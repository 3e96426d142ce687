# MP-100 (Xu et al. 2022) at 256; a child adds the split. No flips; scale and rotation +-15, as published.
dataset_type = 'MP100Dataset'
data_mode = 'topdown'
input_size = (256, 256)
codec = dict(type='RegressionLabel', input_size=input_size)
source = dict(type=dataset_type, data_root='data/mp100/', data_prefix=dict(img='images/'), data_mode=data_mode)

train_dataloader = dict(
    batch_size=16,
    num_workers=4,
    persistent_workers=False,
    sampler=dict(type='CategoryBalancedSampler'),
    dataset=dict(
        **source,
        pipeline=[
            dict(type='LoadIntactImage'),
            dict(type='GetBBoxCenterScale', padding=1.25),
            dict(type='RandomBBoxTransform', shift_prob=0., scale_factor=(0.85, 1.15), rotate_factor=15.),
            dict(type='TopdownAffine', input_size=input_size),
            dict(type='GenerateTarget', encoder=codec),
            dict(type='GetTextQueries'),
            dict(type='PackTextQueries')]))
val_dataloader = dict(
    batch_size=32,
    num_workers=4,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        **source,
        test_mode=True,
        pipeline=[
            dict(type='LoadIntactImage'),
            dict(type='GetBBoxCenterScale', padding=1.25),
            dict(type='TopdownAffine', input_size=input_size),
            dict(type='GetTextQueries'),
            dict(type='PackTextQueries')]))
test_dataloader = val_dataloader

val_evaluator = dict(type='CapePCK', protocols='query_only')
test_evaluator = dict(type='CapePCK', protocols=['pairs', 'query_only'])
