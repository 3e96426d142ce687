# COCO with its keypoint names as queries, CLIP's ViT-B/16.
_base_ = [
    '../../_base_/models/text_query_vit-b-clip.py',
    '../../_base_/schedules/text_query_200e.py',
    '../../_base_/data/coco_text.py',
]

model = dict(head=dict(decoder=_base_.text_codec, names=_base_.dataset_type), test_cfg=dict(flip_test=True))
