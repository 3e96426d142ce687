# SimpleBaseline, ViT-Base from CLIP, Table 4.
_base_ = ['../../_base_/simple_baseline.py', '../../_base_/data/animalpose.py']

model = dict(head=dict(out_channels=20, decoder={{_base_.codec}}))
