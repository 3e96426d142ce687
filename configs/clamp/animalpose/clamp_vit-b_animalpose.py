# CLAMP-ViT-Base, Table 4.
_base_ = ['../../_base_/clamp.py', '../../_base_/data/animalpose.py']

model = dict(head=dict(names={{_base_.dataset_type}}, decoder={{_base_.codec}}))
