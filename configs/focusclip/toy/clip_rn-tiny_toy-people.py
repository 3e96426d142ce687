# The CLIP baseline of "make demo-focus": the same training without heatmaps.
_base_ = ['./focusclip_rn-tiny_toy-people.py']

model = dict(loss_terms=['image-text'])
