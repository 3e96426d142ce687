# CLIP's ViT-L/14: image and text tower, for input sizes that 14 divides, such as 224.
arch = 'ViT-L-14-quickgelu'
init_cfg = dict(type='Pretrained', checkpoint='clip://ViT-L-14-quickgelu/openai')
image_tower = dict(type='CLIPVisionTransformer', arch=arch, image_size=224, init_cfg=init_cfg)
text_tower = dict(type='CLIPTextEncoder', arch=arch, init_cfg=init_cfg)
image_channels = 1024
drop_path_rate = 0.4  # for training, as in CLAMP's released configs
