# CLAMP of "make demo"; its baseline is simple_baseline/toy_animals/sb_rn-tiny_toy-animals.py.
_base_ = ['../../_base_/toy_recipe.py', '../../_base_/data/toy_animals.py']

model = dict(
    backbone=dict(type='CLIPResNet', arch={{_base_.tiny_arch}}, out='embeddings'),
    head=dict(
        type='CLAMPHead',
        in_channels=768,
        names={{_base_.dataset_type}},
        text_encoder=dict(type='CLIPTextEncoder', arch={{_base_.tiny_arch}}),
        cross_attention=dict(width=64, num_heads=2, num_layers=1),
        deconv_out_channels=(64, 64, 64),
        spatial_loss=dict(upsample='deconv', loss_weight=0.4),
        feature_loss=dict(sampling='bilinear', average='labelled', loss_weight=5e-4),
        decoder={{_base_.codec}}))
