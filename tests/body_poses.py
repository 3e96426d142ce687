"""Poses of the skeleton for tests: turns of joints by name, in degrees about the rest pose's axes: left, up, front."""

import math
from typing import Dict, Tuple

import numpy as np
import torch

from clamp_mmpose.body.rotations import axis_angle_to_matrix
from clamp_mmpose.body.skeleton_body import SkeletonBody
from clamp_mmpose.body.smpl_joints import JOINT_NAMES, NUM_JOINTS

FACING = (180.0, 0.0, 0.0)  # of a root: upright and toward the camera
Turns = Dict[str, Tuple[float, float, float]]


def axis_angles(turns: Turns, root: Tuple[float, float, float] = FACING) -> torch.Tensor:
    """``[24, 3]`` in radians."""
    found = torch.zeros(NUM_JOINTS, 3)
    for name, turn in {'pelvis': root, **turns}.items():
        found[JOINT_NAMES.index(name)] = torch.tensor(turn) * math.pi / 180
    return found


def posed(turns: Turns, root: Tuple[float, float, float] = FACING) -> np.ndarray:
    """Joints ``[24, 3]`` in a camera's frame."""
    return SkeletonBody()(axis_angle_to_matrix(axis_angles(turns, root))[None]).joints[0].numpy()


def mirrored(turns: Turns) -> Turns:
    """The same pose, with left and right exchanged."""
    swap = {name: name.replace('left', 'RIGHT').replace('right', 'left').lower() for name in turns}
    return {swap[name]: (x, -y, -z) for name, (x, y, z) in turns.items()}


ARMS_DOWN: Turns = {'left shoulder': (0, 0, -80), 'right shoulder': (0, 0, 80)}
HAILING: Turns = {**ARMS_DOWN, 'left shoulder': (0, 0, 75)}
POINTING: Turns = {**ARMS_DOWN, 'right shoulder': (0, 90, 0)}
SURRENDER: Turns = {'left elbow': (0, 0, 90), 'right elbow': (0, 0, -90)}
ON_HIPS: Turns = {
    'left shoulder': (0, -15, -55),
    'right shoulder': (0, 15, 55),
    'left elbow': (0, 0, -95),
    'right elbow': (0, 0, 95),
}
SITTING: Turns = {
    **ARMS_DOWN,
    'left hip': (-85, 0, 0),
    'right hip': (-85, 0, 0),
    'left knee': (85, 0, 0),
    'right knee': (85, 0, 0),
}
SQUATTING: Turns = {
    **ARMS_DOWN,
    'left hip': (-95, 0, 0),
    'right hip': (-95, 0, 0),
    'left knee': (130, 0, 0),
    'right knee': (130, 0, 0),
}
LUNGING: Turns = {**ARMS_DOWN, 'left hip': (-80, 0, 0), 'right hip': (30, 0, 0), 'left knee': (80, 0, 0)}
PROPOSING: Turns = {**ARMS_DOWN, 'left hip': (-90, 0, 0), 'left knee': (90, 0, 0), 'right knee': (90, 0, 0)}
TREE: Turns = {
    'left shoulder': (0, 0, 80),
    'right shoulder': (0, 0, -80),
    'left hip': (-20, 30, 80),
    'left knee': (130, 0, 0),
}
PLANK: Turns = {'left shoulder': (0, -90, 0), 'right shoulder': (0, 90, 0)}
BENT_OVER: Turns = {
    'left shoulder': (0, -90, 0),
    'right shoulder': (0, 90, 0),
    'lower spine': (90, 0, 0),
}
TWISTED: Turns = {**ARMS_DOWN, 'lower spine': (0, 40, 0)}
