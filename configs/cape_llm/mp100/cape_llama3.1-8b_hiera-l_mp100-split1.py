# Hiera-L, with a fifth of the image tokens: Table 4. Its q, k and v are one layer, so that LoRA covers k as well.
_base_ = ['./cape_llama3.1-8b_dinov2-l_mp100-split1.py']

model = dict(backbone=_base_.towers['hiera-l'], head=dict(in_channels=1152))
