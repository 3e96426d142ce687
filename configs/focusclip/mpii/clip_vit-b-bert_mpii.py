# The CLIP baseline: the same pairs without heatmaps, the first row of Table 4a.
_base_ = ['./focusclip_vit-b-bert_mpii.py']

model = dict(loss_terms=['image-text'])
