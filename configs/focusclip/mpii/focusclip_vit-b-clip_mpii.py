# FocusCLIP from both of CLIP's towers; the text tower is limited to 77 tokens, so it gets single sentences.
_base_ = ['./focusclip_vit-b-bert_mpii.py', '../../_base_/models/clip_vit-b.py']
describe = [dict(type='SampleDescription', sentences=True)]
heatmap = [dict(type='GenerateFocusHeatmap')]

model = dict(
    # open_clip's OPENAI_DATASET_MEAN and OPENAI_DATASET_STD, in pixel values
    data_preprocessor=dict(mean=[122.771, 116.746, 104.094], std=[68.501, 66.632, 70.323]),
    backbone=dict(
        _delete_=True, type='CLIPVisionTransformer', arch=_base_.arch, out='embeddings', init_cfg=_base_.init_cfg
    ),
    in_channels=512,
    text_encoder=dict(_delete_=True, tune=True, truncate=True, **_base_.text_tower),
)
train_dataloader = dict(dataset=dict(pipeline=[*_base_.load, *describe, *_base_.resize, *heatmap, *_base_.pack]))
