# FocusCLIP on birds, Fig. 5b: human gaze for heatmaps, T1 on unseen classes.
_base_ = ['../../_base_/focusclip_recipe.py', '../../_base_/data/cub_descriptions.py']
