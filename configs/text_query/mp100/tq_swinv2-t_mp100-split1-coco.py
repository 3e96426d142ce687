# Split 1 of MP-100 together with COCO. Each of its 70 training categories and COCO's person is drawn 200
# times per epoch, about as often as in the other configs.
_base_ = [
    '../../_base_/models/text_query_swinv2-t.py',
    '../../_base_/schedules/text_query_200e.py',
    '../../_base_/data/mp100.py',
]
steps = [*_base_.load, *_base_.augment, *_base_.crop, *_base_.target]
mp100 = dict(
    type=_base_.dataset_type,
    data_root='data/mp100/',
    data_prefix=dict(img='images/'),
    ann_file='annotations/mp100_split1_train.json',
    pipeline=[*steps, dict(type='GetTextQueries')],
)
coco = dict(
    type='CocoDataset',
    data_root='data/coco/',
    data_prefix=dict(img='train2017/'),
    ann_file='annotations/person_keypoints_train2017.json',
    pipeline=[*steps, dict(type='GetTextQueries', names='CocoDataset')],
)

model = dict(head=dict(decoder=_base_.codec))
train_dataloader = dict(
    sampler=dict(epoch_size=71 * 200),
    dataset=dict(
        _delete_=True,
        type='CombinedDataset',
        metainfo=dict(from_file='configs/_base_/datasets/coco.py'),
        datasets=[mp100, coco],
        pipeline=[dict(type='PackTextQueries')],
    ),
)
val_dataloader = dict(dataset=dict(ann_file='annotations/mp100_split1_val.json'))
test_dataloader = dict(dataset=dict(ann_file='annotations/mp100_split1_test.json'))
default_hooks = dict(checkpoint=dict(save_best='query_only/PCK@0.2'))
