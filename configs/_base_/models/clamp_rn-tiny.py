# A small CLAMP that trains from random weights in minutes on two CPU cores. Child configs add the arch of both towers.
_base_ = ['./topdown.py']

model = dict(
    backbone=dict(type='CLIPResNet', out='embeddings'),
    head=dict(
        type='CLAMPHead',
        text_encoder=dict(type='CLIPTextEncoder'),
        cross_attention=dict(width=64, num_heads=2, num_layers=1),
        deconv_out_channels=(64, 64, 64),
        spatial_loss=dict(upsample='deconv', loss_weight=0.4),
        feature_loss=dict(sampling='bilinear', average='labeled', loss_weight=5e-4),
    ),
    test_cfg=_base_.flip_test,
)
