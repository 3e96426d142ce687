# CLIP's ViT-B/16: image and text tower.
arch = 'ViT-B-16-quickgelu'
init_cfg = dict(type='Pretrained', checkpoint='clip://ViT-B-16-quickgelu/openai')
image_tower = dict(type='CLIPVisionTransformer', arch=arch, image_size=256, init_cfg=init_cfg)
text_tower = dict(type='CLIPTextEncoder', arch=arch, init_cfg=init_cfg)
image_channels = 768
drop_path_rate = 0.4  # for training, as in CLAMP's released configs
