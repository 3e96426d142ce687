# LLaVA-P: LLaVA on conversations about images alone, Table 6, first row. It answers in words; in the paper it describes
# the pose, and PoseScript's model makes a pose of that.
_base_ = ['./llava-1.5-13b_full.py']

model = dict(_delete_=True, **_base_.vision_language_model)
tokenize = dict(_base_.tokenize, pose_token=None)
train_dataloader = dict(sampler=dict(weights=[1]), dataset=dict(datasets=[dict(_base_.vqa, pipeline=[tokenize])]))
