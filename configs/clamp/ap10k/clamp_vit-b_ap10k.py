# CLAMP-ViT-Base, Table 1.
_base_ = ['../../_base_/clamp.py', '../../_base_/data/ap10k.py']

model = dict(head=dict(names={{_base_.dataset_type}}, decoder={{_base_.codec}}))
