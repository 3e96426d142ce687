# Animal-Pose, with MMPose's split.
_base_ = ['./topdown_256x256.py']
dataset_type = 'AnimalPoseDataset'
source = dict(type=dataset_type, data_root='data/animalpose/', data_prefix=dict(img=''))

train_dataloader = dict(dataset=dict(ann_file='annotations/animalpose_train.json', **source))
val_dataloader = dict(dataset=dict(ann_file='annotations/animalpose_val.json', **source))
test_dataloader = val_dataloader
