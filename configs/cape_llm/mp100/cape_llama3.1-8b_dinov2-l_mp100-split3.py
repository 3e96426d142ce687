# Split 3 of MP-100, Llama-3.1-8B and DINOv2-L: Table 2.
_base_ = [
    '../../_base_/models/cape_llm.py',
    '../../_base_/schedules/cape_llm_12e.py',
    '../../_base_/data/mp100_224x224.py',
]

model = dict(head=dict(decoder=_base_.codec))
train_dataloader = dict(dataset=dict(dataset=dict(ann_file='annotations/mp100_split3_train.json')))
val_dataloader = dict(dataset=dict(ann_file='annotations/mp100_split3_val.json'))
test_dataloader = dict(dataset=dict(ann_file='annotations/mp100_split3_test.json'))
