# The text-query head on DINOv2's ViT-S/14 at 252 pixels, a multiple of 14 (CapeLLM, section 4.2, also uses DINOv2).
_base_ = ['./topdown.py', './text_query_head.py']

model = dict(
    backbone=dict(
        type='TIMMBackbone',
        model_name='vit_small_patch14_dinov2',
        img_size=252,
        init_cfg=dict(type='Pretrained', checkpoint='timm://lvd142m'),
    ),
    head=dict(in_channels=384, text_encoder=_base_.gte_base, **_base_.text_query_head),
    test_cfg=dict(flip_test=False),
)
