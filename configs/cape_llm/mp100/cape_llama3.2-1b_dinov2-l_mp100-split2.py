# Split 2 of MP-100, Llama-3.2-1B and DINOv2-L.
_base_ = [
    '../../_base_/models/cape_llm.py',
    '../../_base_/schedules/cape_llm_12e.py',
    '../../_base_/data/mp100_224x224.py',
]

model = dict(head=dict(language_model=_base_.language_models['llama3.2-1b'], decoder=_base_.codec))
train_dataloader = dict(dataset=dict(dataset=dict(ann_file='annotations/mp100_split2_train.json')))
val_dataloader = dict(dataset=dict(ann_file='annotations/mp100_split2_val.json'))
test_dataloader = dict(dataset=dict(ann_file='annotations/mp100_split2_test.json'))
