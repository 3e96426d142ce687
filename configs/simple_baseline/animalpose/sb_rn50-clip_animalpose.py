# SimpleBaseline, ResNet-50 from CLIP, Table 4.
_base_ = ['../../_base_/simple_baseline.py', '../../_base_/data/animalpose.py']

model = dict(
    backbone=dict(
        _delete_=True,
        type='CLIPResNet',
        arch='RN50-quickgelu',
        image_size=256,
        init_cfg=dict(type='Pretrained', checkpoint='clip://RN50-quickgelu/openai')),
    head=dict(
        in_channels=2048,
        out_channels=20,
        deconv_out_channels=(256, 256, 256),
        deconv_kernel_sizes=(4, 4, 4),
        decoder={{_base_.codec}}))

optim_wrapper = dict(paramwise_cfg=dict(_delete_=True, norm_decay_mult=0., custom_keys={'bias': dict(decay_mult=0.)}))
