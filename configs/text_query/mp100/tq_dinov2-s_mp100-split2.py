# Split 2 of MP-100, DINOv2-S and GTE-base.
_base_ = [
    '../../_base_/models/text_query_dinov2-s.py',
    '../../_base_/schedules/text_query_200e.py',
    '../../_base_/data/mp100_252x252.py',
]

model = dict(head=dict(decoder=_base_.codec))
train_dataloader = dict(dataset=dict(ann_file='annotations/mp100_split2_train.json'))
val_dataloader = dict(dataset=dict(ann_file='annotations/mp100_split2_val.json'))
test_dataloader = dict(dataset=dict(ann_file='annotations/mp100_split2_test.json'))
default_hooks = dict(checkpoint=dict(save_best='query_only/PCK@0.2'))
