# Detailed descriptions alone, with LoRA; Table 3, third row, is of full tuning.
_base_ = ['./llava-1.5-7b_full_lora.py']

train_dataloader = dict(dataset=dict(ann_files=['texts/detail.json']))
