# FocusCLIP, Table 1 and the last row of Table 4a.
_base_ = [
    '../../_base_/models/focusclip_vit-b-bert.py',
    '../../_base_/schedules/focusclip_64e.py',
    '../../_base_/data/mpii_descriptions.py',
    '../../_base_/data/zero_shot.py',
]
