# ChatPose with LLaVA-1.5-7B: Table 7, first row.
_base_ = ['./llava-1.5-13b_full.py']

model = dict(model='llava-hf/llava-1.5-7b-hf', init_cfg=dict(type='Pretrained', checkpoint='llava-hf/llava-1.5-7b-hf'))
