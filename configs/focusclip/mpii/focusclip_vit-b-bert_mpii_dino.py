# Self-attention of DINO, Table 4c.
_base_ = ['./focusclip_vit-b-bert_mpii.py']

pipeline = _base_.train_dataloader.dataset.pipeline
pipeline[3].update(source='attention', model='vit_small_patch16_224.dino')
train_dataloader = dict(dataset=dict(pipeline=pipeline))
