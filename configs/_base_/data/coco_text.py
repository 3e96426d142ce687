# COCO for a head with text queries: the keypoint names of the metainfo.
_base_ = ['./coco.py']
text_codec = dict(type='RegressionLabel', input_size=_base_.input_size)
texts = [dict(type='GetTextQueries', names=_base_.dataset_type), dict(type='PackTextQueries')]

train_dataloader = dict(
    batch_size=16,
    dataset=dict(
        pipeline=[
            *_base_.load,
            *_base_.augment,
            *_base_.crop,
            dict(type='GenerateTarget', encoder=text_codec),
            *texts,
        ]
    ),
)
val_dataloader = dict(dataset=dict(pipeline=[*_base_.load, *_base_.crop, *texts]))
test_dataloader = val_dataloader
