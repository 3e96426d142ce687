# CLAMP-ViT-Large, Table 9.
_base_ = ['../../_base_/clamp.py', '../../_base_/data/ap10k_224x224.py']
arch = 'ViT-L-14-quickgelu'
init_cfg = dict(type='Pretrained', checkpoint='clip://ViT-L-14-quickgelu/openai')

model = dict(
    backbone=dict(arch=arch, image_size=224, init_cfg=init_cfg),
    head=dict(
        in_channels=1024,
        names={{_base_.dataset_type}},
        text_encoder=dict(arch=arch, init_cfg=init_cfg),
        spatial_loss=dict(loss_weight=1.),
        decoder={{_base_.codec}}))
