# Heatmaps of TCL, one .npy for each picture, Table 4c.
_base_ = ['./focusclip_vit-b-bert_mpii.py']

pipeline = _base_.train_dataloader.dataset.pipeline
pipeline[3].update(source='file', path='data/mpii/tcl/{stem}.npy')
train_dataloader = dict(dataset=dict(pipeline=pipeline))
