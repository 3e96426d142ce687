# FocusCLIP (section 4 and Table C4): ViT-B/16 with ImageNet weights, frozen, and BERT.
model = dict(
    type='FocusCLIP',
    # as for timm's ViT-B/16
    data_preprocessor=dict(type='PoseDataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3, bgr_to_rgb=True),
    backbone=dict(
        type='TIMMBackbone',
        model_name='vit_base_patch16_224',
        pooled=True,
        init_cfg=dict(type='Pretrained', checkpoint='timm://'),
    ),
    in_channels=768,
    text_encoder=dict(
        type='HFTextEncoder',
        model='bert-base-uncased',
        tune=True,
        truncate=True,
        init_cfg=dict(type='Pretrained', checkpoint='bert-base-uncased'),
    ),
    loss=dict(type='NTXentLoss', temperature=0.5),
)
