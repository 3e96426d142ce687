# The same draft by rules, from the keypoints' geometry alone: no language model and no cost.
_base_ = ['./keypoint_texts.py']
llm = dict(_delete_=True, type='template')
