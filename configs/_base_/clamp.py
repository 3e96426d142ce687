# CLAMP with CLIP's ViT-B/16. Where paper and released code differ, the losses are those of the released code, for
# which its loss weights were chosen (configs/clamp/ap10k/clamp_vit-b_ap10k_paper-losses.py has the paper's).
# A child adds head.names and head.decoder, which follow from its data set.
_base_ = ['./vit_recipe.py']
arch = 'ViT-B-16-quickgelu'
init_cfg = dict(type='Pretrained', checkpoint='clip://ViT-B-16-quickgelu/openai')

model = dict(
    backbone=dict(
        type='CLIPVisionTransformer',
        arch=arch,
        image_size=256,
        drop_path_rate=0.4,
        out='embeddings',
        init_cfg=init_cfg),
    head=dict(
        type='CLAMPHead',
        in_channels=768,
        text_encoder=dict(type='CLIPTextEncoder', arch=arch, init_cfg=init_cfg),
        deconv_out_channels=(256, 256),
        deconv_kernel_sizes=(4, 4),
        spatial_loss=dict(upsample='deconv', loss_weight=2.),
        feature_loss=dict(sampling='nearest', average='all', loss_weight=5e-4)))
