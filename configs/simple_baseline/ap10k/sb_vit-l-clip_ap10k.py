# SimpleBaseline, ViT-Large from CLIP, Table 9.
_base_ = ['../../_base_/simple_baseline.py', '../../_base_/data/ap10k_224x224.py']

model = dict(
    backbone=dict(
        arch='ViT-L-14-quickgelu',
        image_size=224,
        init_cfg=dict(type='Pretrained', checkpoint='clip://ViT-L-14-quickgelu/openai')),
    head=dict(in_channels=1024, out_channels=17, decoder={{_base_.codec}}))
