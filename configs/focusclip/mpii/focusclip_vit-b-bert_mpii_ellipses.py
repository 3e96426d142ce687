# Each Gaussian inside its ellipse, as eq. 4 has it and the authors' code does not.
_base_ = ['./focusclip_vit-b-bert_mpii.py']
heatmap = [dict(type='GenerateFocusHeatmap', mode='paper')]

train_dataloader = dict(dataset=dict(pipeline=[*_base_.load, *_base_.describe, *_base_.resize, *heatmap, *_base_.pack]))
