# MP-100 at 252 x 252, for patches of 14 pixels.
_base_ = ['./mp100.py']
input_size = (252, 252)
codec = dict(type='RegressionLabel', input_size=input_size)

train_dataloader = dict(dataset=dict(pipeline=[
    dict(type='LoadIntactImage'),
    dict(type='GetBBoxCenterScale', padding=1.25),
    dict(type='RandomBBoxTransform', shift_prob=0., scale_factor=(0.85, 1.15), rotate_factor=15.),
    dict(type='TopdownAffine', input_size=input_size),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='GetTextQueries'),
    dict(type='PackTextQueries')]))
val_dataloader = dict(dataset=dict(pipeline=[
    dict(type='LoadIntactImage'),
    dict(type='GetBBoxCenterScale', padding=1.25),
    dict(type='TopdownAffine', input_size=input_size),
    dict(type='GetTextQueries'),
    dict(type='PackTextQueries')]))
test_dataloader = val_dataloader
