# SimpleBaseline, ViT-Base from CLIP, Table 1.
_base_ = ['../../_base_/simple_baseline.py', '../../_base_/data/ap10k.py']

model = dict(head=dict(out_channels=17, decoder={{_base_.codec}}))
