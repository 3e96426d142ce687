# COCO 2017 keypoints (CLAMP, supplement 6.4). The paper names no person detector: ground-truth boxes, as elsewhere.
_base_ = ['./topdown_256x256.py']
dataset_type = 'CocoDataset'
source = dict(type=dataset_type, data_root='data/coco/')

train_dataloader = dict(
    dataset=dict(ann_file='annotations/person_keypoints_train2017.json', data_prefix=dict(img='train2017/'), **source)
)
val_dataloader = dict(
    dataset=dict(ann_file='annotations/person_keypoints_val2017.json', data_prefix=dict(img='val2017/'), **source)
)
test_dataloader = val_dataloader
