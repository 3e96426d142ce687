# Not in the paper: LLaVA-1.5-13B in full.
_base_ = ['./llava-1.5-7b_full_zero3.py']

model = dict(
    model='llava-hf/llava-1.5-13b-hf', init_cfg=dict(type='Pretrained', checkpoint='llava-hf/llava-1.5-13b-hf')
)
