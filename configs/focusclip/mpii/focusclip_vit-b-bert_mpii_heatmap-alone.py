# The heatmap itself as input, not the masked image (no MIX), Table 4a, row 4.
_base_ = ['./focusclip_vit-b-bert_mpii.py']

model = dict(roi_input='heatmap')
