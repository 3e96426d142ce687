# LLaVA-Pose's three types of text, written by rules from keypoints and boxes: no language model and no cost.
_base_ = ['./llava_pose_gpt-4o.py']
llm = dict(_delete_=True, type='template')
