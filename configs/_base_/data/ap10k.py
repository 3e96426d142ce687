# AP-10K, split 1; tested on val, as in the paper.
_base_ = ['./topdown_256x256.py']
dataset_type = 'AP10KDataset'
source = dict(type=dataset_type, data_root='data/ap10k/', data_prefix=dict(img='data/'))

train_dataloader = dict(dataset=dict(ann_file='annotations/ap10k-train-split1.json', **source))
val_dataloader = dict(dataset=dict(ann_file='annotations/ap10k-val-split1.json', **source))
test_dataloader = val_dataloader
