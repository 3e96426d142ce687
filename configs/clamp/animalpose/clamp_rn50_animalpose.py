# CLAMP-ResNet-50, Table 4.
_base_ = ['../../_base_/clamp.py', '../../_base_/data/animalpose.py']
arch = 'RN50-quickgelu'
init_cfg = dict(type='Pretrained', checkpoint='clip://RN50-quickgelu/openai')

model = dict(
    backbone=dict(_delete_=True, type='CLIPResNet', arch=arch, image_size=256, out='embeddings', init_cfg=init_cfg),
    head=dict(
        in_channels=2048,
        names={{_base_.dataset_type}},
        text_encoder=dict(arch=arch, init_cfg=init_cfg),
        deconv_out_channels=(256, 256, 256),
        deconv_kernel_sizes=(4, 4, 4),
        spatial_loss=dict(loss_weight=0.4),
        decoder={{_base_.codec}}))

optim_wrapper = dict(paramwise_cfg=dict(_delete_=True, norm_decay_mult=0., custom_keys={'bias': dict(decay_mult=0.)}))
