# Vicuna-7B-v1.5 instead of Llama-3.1-8B: Table 4.
_base_ = ['./cape_llama3.1-8b_dinov2-l_mp100-split1.py']

model = dict(head=dict(language_model=_base_.language_models['vicuna-7b-1.5']))
