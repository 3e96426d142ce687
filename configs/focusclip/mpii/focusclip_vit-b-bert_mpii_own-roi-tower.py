# A separate tower for the ROI (no SE), Table 4a, row 3.
_base_ = ['./focusclip_vit-b-bert_mpii.py']

model = dict(roi_tower='own')
