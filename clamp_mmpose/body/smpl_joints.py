"""The 24 joints of SMPL (Loper et al., SIGGRAPH Asia 2015), which ChatPose's poses turn."""

from typing import Tuple

JOINT_NAMES: Tuple[str, ...] = (
    'pelvis',
    'left hip',
    'right hip',
    'lower spine',
    'left knee',
    'right knee',
    'middle spine',
    'left ankle',
    'right ankle',
    'upper spine',
    'left foot',
    'right foot',
    'neck',
    'left collar',
    'right collar',
    'head',
    'left shoulder',
    'right shoulder',
    'left elbow',
    'right elbow',
    'left wrist',
    'right wrist',
    'left hand',
    'right hand',
)
PARENTS: Tuple[int, ...] = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21)
# SMPL-H and SMPL-X share 0 to 21; their next joints are fingers, or jaw and eyes, not SMPL's hands
NUM_JOINTS, NUM_SHARED = 24, 22
