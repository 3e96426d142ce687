# FocusCLIP on birds, Fig. 5b: heatmaps from human gaze, tested on unseen classes.
_base_ = [
    '../../_base_/models/focusclip_vit-b-bert.py',
    '../../_base_/schedules/focusclip_64e.py',
    '../../_base_/data/cub_descriptions.py',
]
