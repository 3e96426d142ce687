# All of the image tower is trained: Table 4, at the learning rate of LoRA as in the paper.
_base_ = ['./cape_llama3.1-8b_dinov2-l_mp100-split1.py']

model = dict(backbone=dict(tune='full'))
