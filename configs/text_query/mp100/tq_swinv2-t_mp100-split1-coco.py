# Split 1 of MP-100 and COCO in one training; each of its 70 categories is drawn as often as COCO's person, 200 times an
# epoch, which is about what the others have.
_base_ = ['./tq_swinv2-t_mp100-split1.py']
text_pipeline = [
    dict(type='LoadIntactImage'),
    dict(type='GetBBoxCenterScale', padding=1.25),
    dict(type='RandomBBoxTransform', shift_prob=0., scale_factor=(0.85, 1.15), rotate_factor=15.),
    dict(type='TopdownAffine', input_size={{_base_.input_size}}),
    dict(type='GenerateTarget', encoder={{_base_.codec}})]

train_dataloader = dict(sampler=dict(epoch_size=71 * 200), dataset=dict(
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
