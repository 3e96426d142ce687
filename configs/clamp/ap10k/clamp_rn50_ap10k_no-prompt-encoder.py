# Ablation, Table 6, row 3: both losses, no prompt encoder.
_base_ = ['./clamp_rn50_ap10k.py']

model = dict(head=dict(prompt_encoder=None))
