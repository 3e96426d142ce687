# Poses of 3DPW's test set by the model with the second image tower.
_base_ = ['./llava-1.5-13b_3dpw.py', '../../_base_/models/chatpose_vitpose-h.py']
custom_imports = dict(imports=['clamp_mmpose', 'mmpretrain.models'], allow_failed_imports=True)

model = dict(pose_tower=_base_.pose_tower)
tokenize = dict(_base_.tokenize, pose_images=_base_.pose_images)
test_dataloader = dict(dataset=dict(pipeline=[dict(type='CropPerson', size=256), tokenize]))
