# A second image tower for ChatPose that knows poses: MMPose's ViTPose-H, frozen; its map is pooled to 8 x 6 tokens.
pose_images = dict(size=(192, 256), grid=(8, 6))
weights = 'https://download.openmmlab.com/mmpose/v1/body_2d_keypoint/topdown_heatmap/coco/'
pose_tower = dict(
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
