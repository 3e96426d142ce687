# The CLIP baseline on birds, Fig. 5b.
_base_ = ['./focusclip_vit-b-bert_cub.py']

model = dict(loss_terms=['image-text'])
