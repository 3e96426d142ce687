# MP-100 at 252 x 252 pixels, for patches of 14 pixels.
_base_ = ['./mp100.py']
input_size = (252, 252)
codec = dict(_base_.codec, input_size=input_size)
crop = [dict(type='TopdownAffine', input_size=input_size)]
target = [dict(type='GenerateTarget', encoder=codec)]

train_dataloader = dict(dataset=dict(pipeline=[*_base_.load, *_base_.augment, *crop, *target, *_base_.texts]))
val_dataloader = dict(dataset=dict(pipeline=[*_base_.load, *crop, *_base_.texts]))
test_dataloader = val_dataloader
