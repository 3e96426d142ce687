# A mouse in an open field: 87 frames for training, 29 for validation, four keypoints. The 116 labeled frames are from
# examples/openfield-Pranav-2018-10-30 in https://github.com/DeepLabCut/DeepLabCut, as COCO keypoint JSON:
# data/openfield_mouse/images/*.png and data/openfield_mouse/annotations/{train,val}.json.
_base_ = ['./topdown_256x256.py']
dataset_type = 'BaseCocoStyleDataset'
input_size = (128, 128)
codec = dict(type='KeypointHeatmap', input_size=input_size, heatmap_size=(32, 32), sigma=2)
metainfo = dict(
    dataset_name='openfield_mouse',
    keypoint_info={
        0: dict(name='snout', id=0, color=[255, 128, 0], type='upper', swap=''),
        1: dict(name='left ear', id=1, color=[0, 255, 0], type='upper', swap='right ear'),
        2: dict(name='right ear', id=2, color=[51, 153, 255], type='upper', swap='left ear'),
        3: dict(name='tail base', id=3, color=[255, 51, 255], type='lower', swap=''),
    },
    skeleton_info={
        0: dict(link=('snout', 'left ear'), id=0, color=[0, 255, 0]),
        1: dict(link=('snout', 'right ear'), id=1, color=[51, 153, 255]),
        2: dict(link=('left ear', 'tail base'), id=2, color=[0, 255, 0]),
        3: dict(link=('right ear', 'tail base'), id=3, color=[51, 153, 255]),
    },
    joint_weights=[1.0] * 4,
    sigmas=[0.05] * 4,
)
source = dict(type=dataset_type, metainfo=metainfo, data_root='data/openfield_mouse/', data_prefix=dict(img='images/'))
# seen from above, a mouse can face any direction
augment = [
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomBBoxTransform', shift_prob=0.0, scale_factor=(0.75, 1.25), rotate_factor=180.0, rotate_prob=1.0),
]
crop = [dict(type='TopdownAffine', input_size=input_size)]
target = [dict(type='GenerateTarget', encoder=codec)]

train_dataloader = dict(
    batch_size=16,
    num_workers=1,
    dataset=dict(
        ann_file='annotations/train.json', **source, pipeline=[*_base_.load, *augment, *crop, *target, *_base_.pack]
    ),
)
val_dataloader = dict(
    num_workers=1,
    dataset=dict(ann_file='annotations/val.json', **source, pipeline=[*_base_.load, *crop, *_base_.pack]),
)
test_dataloader = val_dataloader
val_evaluator = [dict(type='CocoOrPCK'), dict(type='PCKAccuracy', thr=0.1, norm_item='bbox')]
test_evaluator = val_evaluator
