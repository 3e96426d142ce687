# The image and the text tower of CLIP's ViT-L/14, whose patches divide 224.
arch = 'ViT-L-14-quickgelu'
init_cfg = dict(type='Pretrained', checkpoint='clip://ViT-L-14-quickgelu/openai')
image_tower = dict(type='CLIPVisionTransformer', arch=arch, image_size=224, init_cfg=init_cfg)
text_tower = dict(type='CLIPTextEncoder', arch=arch, init_cfg=init_cfg)
image_channels = 1024
drop_path_rate = 0.4  # when it is trained; the authors' configs of CLAMP
