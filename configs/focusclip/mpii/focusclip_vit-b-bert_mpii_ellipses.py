# Each Gaussian only inside its ellipse, as in eq. 4 but not in the authors' code.
_base_ = ['./focusclip_vit-b-bert_mpii.py']
heatmap = [dict(type='GenerateFocusHeatmap', mode='paper')]

train_dataloader = dict(dataset=dict(pipeline=[*_base_.load, *_base_.describe, *_base_.resize, *heatmap, *_base_.pack]))
