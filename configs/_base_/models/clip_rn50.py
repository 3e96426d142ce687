# CLIP's ResNet-50: image and text tower.
arch = 'RN50-quickgelu'
init_cfg = dict(type='Pretrained', checkpoint='clip://RN50-quickgelu/openai')
image_tower = dict(type='CLIPResNet', arch=arch, image_size=256, init_cfg=init_cfg)
text_tower = dict(type='CLIPTextEncoder', arch=arch, init_cfg=init_cfg)
image_channels = 2048
