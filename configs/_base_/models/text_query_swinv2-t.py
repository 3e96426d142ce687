# The text-query head on SwinV2-T at 256 pixels, as in CapeX.
_base_ = ['./topdown.py', './text_query_head.py']

model = dict(
    backbone=dict(
        type='TIMMBackbone',
        model_name='swinv2_tiny_window16_256',
        init_cfg=dict(type='Pretrained', checkpoint='timm://ms_in1k'),
    ),
    head=dict(in_channels=768, text_encoder=_base_.gte_base, **_base_.text_query_head),
    test_cfg=dict(flip_test=False),
)
