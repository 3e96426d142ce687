# Not in the paper: a second image tower that knows poses, MMPose's ViTPose-H, frozen. Published work with such a tower
# (UniPose, CVPR 2025) has half the error on 3DPW. Needs pip install mmpretrain, whose ViT it is; any other backbone of
# MMPose can be in its place.
_base_ = ['./llava-1.5-13b_full.py', '../../_base_/models/chatpose_vitpose-h.py']
custom_imports = dict(imports=['clamp_mmpose', 'mmpretrain.models'], allow_failed_imports=True)

model = dict(pose_tower=_base_.pose_tower)
tokenize = dict(_base_.tokenize, pose_images=_base_.pose_images)
train_dataloader = dict(
    dataset=dict(
        datasets=[
            dict(_base_.text_to_pose, pipeline=[tokenize]),
            dict(_base_.vqa, pipeline=[tokenize]),
            dict(_base_.image_to_pose, pipeline=[dict(type='CropPerson', size=256), tokenize]),
        ]
    )
)
