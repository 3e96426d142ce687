# ChatPose without descriptions of poses: Table 6, third row. The other two kinds keep their shares.
_base_ = ['./llava-1.5-13b_full.py']

train_dataloader = dict(sampler=dict(weights=[1, 2]), dataset=dict(datasets=[_base_.vqa, _base_.image_to_pose]))
