# Not in the paper: LLaVA-1.5-13B with LoRA.
_base_ = ['./llava-1.5-7b_full_lora.py']

model = dict(
    model='llava-hf/llava-1.5-13b-hf', init_cfg=dict(type='Pretrained', checkpoint='llava-hf/llava-1.5-13b-hf')
)
