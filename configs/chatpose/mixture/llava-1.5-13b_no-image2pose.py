# ChatPose without images of people: Table 6, second row. The other two kinds keep their shares.
_base_ = ['./llava-1.5-13b_full.py']

train_dataloader = dict(sampler=dict(weights=[1, 1]), dataset=dict(datasets=[_base_.text_to_pose, _base_.vqa]))
