# The text-query head between the two towers of CLIP's ViT-B/16.
_base_ = ['./text_query.py']
arch = 'ViT-B-16-quickgelu'
init_cfg = dict(type='Pretrained', checkpoint='clip://ViT-B-16-quickgelu/openai')

model = dict(
    backbone=dict(_delete_=True, type='CLIPVisionTransformer', arch=arch, image_size=256, init_cfg=init_cfg),
    head=dict(text_encoder=dict(_delete_=True, type='CLIPTextEncoder', arch=arch, init_cfg=init_cfg)))
