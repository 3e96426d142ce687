# Not in the paper: a classification over coordinate bins with soft labels.
_base_ = ['./cape_llama3.1-8b_dinov2-l_mp100-split1.py']

model = dict(head=dict(answer='bins'))
