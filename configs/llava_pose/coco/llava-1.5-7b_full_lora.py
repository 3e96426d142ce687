# All three types of data, with LoRA; Table 3, first row, is of full tuning.
_base_ = [
    '../../_base_/models/llava_pose.py',
    '../../_base_/schedules/llava_pose_1e.py',
    '../../_base_/data/llava_pose_coco.py',
]
