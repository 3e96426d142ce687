# The CLIP baseline, the first row of Table 4a: the same image-text pairs without heatmaps.
_base_ = ['./focusclip_vit-b-bert_mpii.py']

model = dict(loss_terms=['image-text'])
