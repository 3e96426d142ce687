# ChatPose: LLaVA-1.5-13B on all three kinds of data. Table 6, last row; Table 7, second row.
_base_ = [
    '../../_base_/models/chatpose.py',
    '../../_base_/schedules/chatpose_30e.py',
    '../../_base_/data/chatpose.py',
]
