# The same form of texts by rules, from the keypoints; shape and outfits stay unknown: no language model and no cost.
_base_ = ['./person_descriptions_gpt-4o.py']
llm = dict(_delete_=True, type='template')
