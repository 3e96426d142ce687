# No loss between ROI and text, Table 4a, row 2: the ROI is compared with the image.
_base_ = ['./focusclip_vit-b-bert_mpii.py']

model = dict(loss_terms=['image-text', 'roi-image'])
