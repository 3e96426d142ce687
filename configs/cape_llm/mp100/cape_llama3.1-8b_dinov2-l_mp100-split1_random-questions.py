# Questions in several wordings, drawn at random in training: Table 6.
_base_ = ['./cape_llama3.1-8b_dinov2-l_mp100-split1.py']

model = dict(head=dict(questions='random'))
