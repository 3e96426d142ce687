# Ablation, Table 8, row 2: a trainable matrix instead of prompts.
_base_ = ['./clamp_vit-b_ap10k.py']

model = dict(head=dict(prompts='matrix', text_encoder=None, embed_dims=512))
