# AP-10K by the names of its keypoints, SwinV2-T and GTE-base.
_base_ = ['../../_base_/text_query.py', '../../_base_/data/ap10k_text.py']

model = dict(
    head=dict(decoder={{_base_.text_codec}}, names={{_base_.dataset_type}}),
    test_cfg=dict(flip_test=True))
