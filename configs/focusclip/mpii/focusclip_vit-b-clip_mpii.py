# FocusCLIP from CLIP's own two towers; its text tower reads 77 tokens, so it is given sentences.
_base_ = ['./focusclip_vit-b-bert_mpii.py']
arch = 'ViT-B-16-quickgelu'
init_cfg = dict(type='Pretrained', checkpoint='clip://ViT-B-16-quickgelu/openai')

model = dict(
    # open_clip's OPENAI_DATASET_MEAN and OPENAI_DATASET_STD, in pixel values
    data_preprocessor=dict(mean=[122.771, 116.746, 104.094], std=[68.501, 66.632, 70.323]),
    backbone=dict(_delete_=True, type='CLIPVisionTransformer', arch=arch, out='embeddings', init_cfg=init_cfg),
    in_channels=512,
    text_encoder=dict(_delete_=True, type='CLIPTextEncoder', arch=arch, tune=True, truncate=True, init_cfg=init_cfg))
pipeline = _base_.train_dataloader.dataset.pipeline
pipeline[1].update(sentences=True)
train_dataloader = dict(dataset=dict(pipeline=pipeline))
