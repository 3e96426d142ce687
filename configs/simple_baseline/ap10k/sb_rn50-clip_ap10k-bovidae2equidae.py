# Zero-shot, Bovidae to Equidae, Table 10; tools/datasets/ap10k_splits.py writes the files.
_base_ = ['./sb_rn50-clip_ap10k.py']

train_dataloader = dict(dataset=dict(ann_file='annotations/ap10k-train-split1-bovidae.json'))
val_dataloader = dict(dataset=dict(ann_file='annotations/ap10k-val-split1-equidae.json'))
test_dataloader = val_dataloader
