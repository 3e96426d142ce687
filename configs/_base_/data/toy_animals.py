# Toy animals, drawn by "make demo": two families for training, the third unseen.
_base_ = ['./topdown_256x256.py']
dataset_type = 'AP10KDataset'
input_size = (128, 128)
codec = dict(type='KeypointHeatmap', input_size=input_size, heatmap_size=(32, 32), sigma=1.5)
source = dict(type=dataset_type, data_root='work_dirs/demo/data/', data_prefix=dict(img='data/'))
augment = [
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomBBoxTransform', shift_prob=0.0, scale_factor=(0.8, 1.2), rotate_factor=30.0),
]
crop = [dict(type='TopdownAffine', input_size=input_size)]
target = [dict(type='GenerateTarget', encoder=codec)]

train_dataloader = dict(
    batch_size=16,
    num_workers=1,
    dataset=dict(
        ann_file='annotations/ap10k-train-split1-seen.json',
        **source,
        pipeline=[*_base_.load, *augment, *crop, *target, *_base_.pack],
    ),
)
val_dataloader = dict(
    num_workers=1,
    dataset=dict(
        ann_file='annotations/ap10k-test-split1-seen.json', **source, pipeline=[*_base_.load, *crop, *_base_.pack]
    ),
)
test_dataloader = val_dataloader
val_evaluator = [dict(type='CocoMetric'), dict(type='PCKAccuracy', thr=0.1, norm_item='bbox')]
test_evaluator = val_evaluator
