# AP-10K at 224x224, for ViT-L/14, whose patches do not divide 256; the heatmaps stay 64x64 (the authors' config).
_base_ = ['./ap10k.py']
input_size = (224, 224)
codec = dict(type='KeypointHeatmap', input_size=input_size, heatmap_size=(64, 64), sigma=2)

train_dataloader = dict(dataset=dict(pipeline=[
    dict(type='LoadIntactImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomHalfBody', prob=0.3),
    dict(type='RandomBBoxTransform', shift_prob=0., scale_factor=(0.5, 1.5), rotate_factor=80.),
    dict(type='TopdownAffine', input_size=input_size),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs')]))
val_dataloader = dict(dataset=dict(pipeline=[
    dict(type='LoadIntactImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='TopdownAffine', input_size=input_size),
    dict(type='PackPoseInputs')]))
test_dataloader = val_dataloader
