# SimpleBaseline, ViT-Base from CLIP, supplement 6.4.
_base_ = ['../../_base_/simple_baseline.py', '../../_base_/data/coco.py']

model = dict(head=dict(out_channels=17, decoder={{_base_.codec}}))
