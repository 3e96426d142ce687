# The text-query head on the image and text towers of CLIP's ViT-B/16.
_base_ = ['./topdown.py', './clip_vit-b.py', './text_query_head.py']

model = dict(
    backbone=_base_.image_tower,
    head=dict(in_channels=_base_.image_channels, text_encoder=_base_.text_tower, **_base_.text_query_head),
    test_cfg=dict(flip_test=False),
)
