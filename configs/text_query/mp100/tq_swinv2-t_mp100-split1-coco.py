# Split 1 of MP-100 and COCO in one training; every category of MP-100 is drawn as often as COCO's person.
_base_ = ['./tq_swinv2-t_mp100-split1.py']
text_pipeline = [
    dict(type='LoadIntactImage'),
    dict(type='GetBBoxCenterScale', padding=1.25),
    dict(type='RandomBBoxTransform', shift_prob=0., scale_factor=(0.85, 1.15), rotate_factor=15.),
    dict(type='TopdownAffine', input_size={{_base_.input_size}}),
    dict(type='GenerateTarget', encoder={{_base_.codec}})]

train_dataloader = dict(dataset=dict(
    _delete_=True,
    type='CombinedDataset',
    metainfo=dict(from_file='configs/_base_/datasets/coco.py'),
    datasets=[
        dict(type={{_base_.dataset_type}}, data_root='data/mp100/', data_prefix=dict(img='images/'),
             ann_file='annotations/mp100_split1_train.json',
             pipeline=[*text_pipeline, dict(type='GetTextQueries')]),
        dict(type='CocoDataset', data_root='data/coco/', data_prefix=dict(img='train2017/'),
             ann_file='annotations/person_keypoints_train2017.json',
             pipeline=[*text_pipeline, dict(type='GetTextQueries', names='CocoDataset')])],
    pipeline=[dict(type='PackTextQueries')]))
