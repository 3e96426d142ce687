# Not in the paper: horizontal flips with left and right exchanged in the texts, and crops of 1.25 times the box.
_base_ = ['./cape_llama3.1-8b_dinov2-l_mp100-split1.py']

load = [dict(type='LoadIntactImage'), dict(type='GetBBoxCenterScale', padding=1.25)]

steps = [*_base_.crop, *_base_.target, *_base_.texts]
train_dataloader = dict(dataset=dict(dataset=dict(pipeline=[*load, *_base_.flip, *_base_.augment, *steps])))
val_dataloader = dict(dataset=dict(pipeline=[*load, *_base_.crop, *_base_.texts]))
test_dataloader = val_dataloader
