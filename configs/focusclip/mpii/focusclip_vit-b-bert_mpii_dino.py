# Heatmaps from DINO's self-attention, Table 4c.
_base_ = ['./focusclip_vit-b-bert_mpii.py']
heatmap = [dict(type='GenerateFocusHeatmap', source='attention', model='vit_small_patch16_224.dino')]

train_dataloader = dict(dataset=dict(pipeline=[*_base_.load, *_base_.describe, *_base_.resize, *heatmap, *_base_.pack]))
