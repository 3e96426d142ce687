# Each Gaussian inside its ellipse, as eq. 4 has it and the authors' code does not.
_base_ = ['./focusclip_vit-b-bert_mpii.py']

pipeline = _base_.train_dataloader.dataset.pipeline
pipeline[3].update(mode='paper')
train_dataloader = dict(dataset=dict(pipeline=pipeline))
