# Trained on six categories, asked for the keypoints of the seventh by its words: CLAMP_MMPOSE_CATEGORY (default: fly).
_base_ = ['./tq_efficientnet-lite0_real-small.py']
left_out = '{{$CLAMP_MMPOSE_CATEGORY:fly}}'

train_dataloader = dict(dataset=dict(without=[left_out]))
val_dataloader = dict(dataset=dict(categories=[left_out]))
test_dataloader = val_dataloader
