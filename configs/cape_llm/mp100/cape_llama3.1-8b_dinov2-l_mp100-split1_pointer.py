# Not in the paper: the answer points at an image token, with a heatmap for each keypoint.
_base_ = ['./cape_llama3.1-8b_dinov2-l_mp100-split1.py']

model = dict(head=dict(answer='pointer'))
