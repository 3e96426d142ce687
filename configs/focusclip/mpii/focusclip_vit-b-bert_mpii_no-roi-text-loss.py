# Without the loss between ROI and text, Table 4a, row 2: ROI is tied to the picture.
_base_ = ['./focusclip_vit-b-bert_mpii.py']

model = dict(loss_terms=['image-text', 'roi-image'])
