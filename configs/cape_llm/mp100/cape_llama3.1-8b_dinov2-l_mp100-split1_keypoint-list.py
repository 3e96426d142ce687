# The names of all keypoints of the category before the conversation: Table 3.
_base_ = ['./cape_llama3.1-8b_dinov2-l_mp100-split1.py']

model = dict(head=dict(keypoint_list=True))
