# Ablation, Table 6, row 2: only the spatial loss (row 1 is simple_baseline/ap10k/sb_rn50-clip_ap10k.py).
_base_ = ['./clamp_rn50_ap10k.py']

model = dict(head=dict(feature_loss=None, prompt_encoder=None))
