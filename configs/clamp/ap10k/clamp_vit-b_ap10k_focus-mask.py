# With a background-suppressing augmentation: half of the time the crop is darkened beside the subject's body parts.
_base_ = ['./clamp_vit-b_ap10k.py']

pipeline = _base_.train_dataloader.dataset.pipeline
pipeline[6:6] = [dict(type='GenerateFocusHeatmap'), dict(type='FocusMask', prob=0.5, alpha=0.25)]  # behind the crop
train_dataloader = dict(dataset=dict(pipeline=pipeline))
