# A <KEYPOINT> token, and the object is asked for before its keypoints: Table 8.
_base_ = ['./cape_llama3.1-8b_dinov2-l_mp100-split1.py']

model = dict(head=dict(answer='token', instruction='step_by_step'))
