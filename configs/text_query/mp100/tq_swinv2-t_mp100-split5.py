# Split 5 of MP-100, SwinV2-T and GTE-base.
_base_ = [
    '../../_base_/models/text_query_swinv2-t.py',
    '../../_base_/schedules/text_query_200e.py',
    '../../_base_/data/mp100.py',
]

model = dict(head=dict(decoder=_base_.codec))
train_dataloader = dict(dataset=dict(ann_file='annotations/mp100_split5_train.json'))
val_dataloader = dict(dataset=dict(ann_file='annotations/mp100_split5_val.json'))
test_dataloader = dict(dataset=dict(ann_file='annotations/mp100_split5_test.json'))
default_hooks = dict(checkpoint=dict(save_best='query_only/PCK@0.2'))
