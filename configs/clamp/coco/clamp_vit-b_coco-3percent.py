# 3 % of COCO, Table 11, which is the mean over three subsets: the others are seed1 and seed2.
# tools/datasets/coco_subset.py writes the files.
_base_ = ['./clamp_vit-b_coco.py']

train_dataloader = dict(dataset=dict(ann_file='annotations/person_keypoints_train2017_3percent_seed0.json'))
