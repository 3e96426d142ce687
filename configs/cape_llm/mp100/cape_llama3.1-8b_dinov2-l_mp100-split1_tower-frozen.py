# The image tower is frozen: Table 4.
_base_ = ['./cape_llama3.1-8b_dinov2-l_mp100-split1.py']

model = dict(backbone=dict(tune='frozen'))
