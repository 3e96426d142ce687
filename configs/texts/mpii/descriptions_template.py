# The same kind of descriptions, written by rules from the keypoints: no language model and no cost.
_base_ = ['./descriptions_gpt-4.py']
llm = dict(_delete_=True, type='template')
