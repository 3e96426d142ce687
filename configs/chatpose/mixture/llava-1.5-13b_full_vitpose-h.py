# Not in the paper: a second image tower that knows poses, MMPose's ViTPose-H, frozen. Published work with such a tower
# (UniPose, CVPR 2025) has half the error on 3DPW. Needs pip install mmpretrain, whose ViT it is; any other backbone of
# MMPose can be in its place.
_base_ = ['./llava-1.5-13b_full.py']
custom_imports = dict(imports=['clamp_mmpose', 'mmpretrain.models'], allow_failed_imports=True)

pose_images = dict(size=(192, 256), grid=(8, 6))
weights = 'https://download.openmmlab.com/mmpose/v1/body_2d_keypoint/topdown_heatmap/coco/'
model = dict(
    pose_tower=dict(
        images=pose_images,
        in_channels=1280,
        backbone=dict(
            type='mmpretrain.VisionTransformer',
            arch='huge',
            img_size=(256, 192),
            patch_size=16,
            qkv_bias=True,
            with_cls_token=False,
            out_type='featmap',
            patch_cfg=dict(padding=2),
            init_cfg=dict(
                type='Pretrained',
                prefix='backbone.',
                checkpoint=f'{weights}td-hm_ViTPose-huge_8xb64-210e_coco-256x192-e32adcd4_20230314.pth',
            ),
        ),
    )
)
tokenize = dict(_base_.tokenize, pose_images=pose_images)
train_dataloader = dict(
    dataset=dict(
        datasets=[
            dict(_base_.text_to_pose, pipeline=[tokenize]),
            dict(_base_.vqa, pipeline=[tokenize]),
            dict(_base_.image_to_pose, pipeline=[dict(type='CropPerson', size=256), tokenize]),
        ]
    )
)
