# 20 instances per species, Table 2; tools/datasets/ap10k_splits.py writes the files.
_base_ = ['./sb_rn50-imagenet_ap10k.py']

train_dataloader = dict(batch_size=64, dataset=dict(ann_file='annotations/ap10k-train-split1-20shot.json'))
auto_scale_lr = dict(base_batch_size=64)
