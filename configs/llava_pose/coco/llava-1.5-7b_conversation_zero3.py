# Conversations alone, trained in full: Table 3, second row.
_base_ = ['./llava-1.5-7b_full_zero3.py']

train_dataloader = dict(dataset=dict(ann_files=['texts/conversation.json']))
