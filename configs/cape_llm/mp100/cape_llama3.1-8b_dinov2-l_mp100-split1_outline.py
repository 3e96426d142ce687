# An outline of the conversation before it: Table 6.
_base_ = ['./cape_llama3.1-8b_dinov2-l_mp100-split1.py']

model = dict(head=dict(outline=True))
