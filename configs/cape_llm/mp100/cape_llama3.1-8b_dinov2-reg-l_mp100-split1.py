# DINOv2-L with registers: Table 4.
_base_ = ['./cape_llama3.1-8b_dinov2-l_mp100-split1.py']

model = dict(backbone=_base_.towers['dinov2-reg-l'])
