# Heatmaps from TCL, one .npy file per image, Table 4c.
_base_ = ['./focusclip_vit-b-bert_mpii.py']
heatmap = [dict(type='GenerateFocusHeatmap', source='file', path='data/mpii/tcl/{stem}.npy')]

train_dataloader = dict(dataset=dict(pipeline=[*_base_.load, *_base_.describe, *_base_.resize, *heatmap, *_base_.pack]))
