# Ellipses in the boxes of people, Table 4c.
_base_ = ['./focusclip_vit-b-bert_mpii.py']

pipeline = _base_.train_dataloader.dataset.pipeline
pipeline[3].update(source='bbox')
train_dataloader = dict(dataset=dict(pipeline=pipeline))
