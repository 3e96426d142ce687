# SimpleBaseline (Xiao et al. 2018): the tower of CLAMP under MMPose's own head, by the same recipe.
# A child adds head.out_channels and head.decoder, which follow from its data set.
_base_ = ['./vit_recipe.py']

model = dict(
    backbone=dict(
        type='CLIPVisionTransformer',
        arch='ViT-B-16-quickgelu',
        image_size=256,
        drop_path_rate=0.4,
        init_cfg=dict(type='Pretrained', checkpoint='clip://ViT-B-16-quickgelu/openai')),
    head=dict(
        type='HeatmapHead',
        in_channels=768,
        deconv_out_channels=(256, 256),
        deconv_kernel_sizes=(4, 4),
        loss=dict(type='KeypointMSELoss', use_target_weight=True)))
