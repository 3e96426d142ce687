# COCO for a head that reads texts: the keypoints' names are those of the metainfo.
_base_ = ['./coco.py']
text_codec = dict(type='RegressionLabel', input_size={{_base_.input_size}})

train_dataloader = dict(batch_size=16, dataset=dict(pipeline=[
    dict(type='LoadIntactImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomHalfBody', prob=0.3),
    dict(type='RandomBBoxTransform', shift_prob=0., scale_factor=(0.5, 1.5), rotate_factor=80.),
    dict(type='TopdownAffine', input_size={{_base_.input_size}}),
    dict(type='GenerateTarget', encoder=text_codec),
    dict(type='GetTextQueries', names={{_base_.dataset_type}}),
    dict(type='PackTextQueries')]))
val_dataloader = dict(dataset=dict(pipeline=[
    dict(type='LoadIntactImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='TopdownAffine', input_size={{_base_.input_size}}),
    dict(type='GetTextQueries', names={{_base_.dataset_type}}),
    dict(type='PackTextQueries')]))
test_dataloader = val_dataloader
