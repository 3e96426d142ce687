# AP-10K with its keypoint names as queries, SwinV2-T and GTE-base.
_base_ = [
    '../../_base_/models/text_query_swinv2-t.py',
    '../../_base_/schedules/text_query_200e.py',
    '../../_base_/data/ap10k_text.py',
]

model = dict(head=dict(decoder=_base_.text_codec, names=_base_.dataset_type), test_cfg=dict(flip_test=True))
