# The object is asked for before its keypoints: Table 7.
_base_ = ['./cape_llama3.2-1b_dinov2-l_mp100-split1.py']

model = dict(head=dict(instruction='step_by_step'))
