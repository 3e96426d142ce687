"""How far the joints of a body turn, and a mean pose: what a fit knows about people without licensed priors."""

import math
from typing import Dict, Tuple

import torch
from torch import Tensor

from clamp_mmpose.body.smpl_joints import JOINT_NAMES

Range = Tuple[float, float]
# Lowest and highest degrees about x, y and z of axis-angle vectors, from SMPL's rest pose, arms stretched sideways; the
# left joints, the right ones are mirrored. Rounded from the normal ranges of motion of the American Academy of
# Orthopaedic Surgeons (Joint Motion, 1965): hip flexion 120, extension 30, abduction 45, adduction 30, rotation 45;
# knee 135 to 150; ankle 20 up, 50 down; shoulder 180 up, 60 back, rotation 70; elbow 150; forearm 80; wrist 80, 70, 20,
# 30; neck 45, rotation 60 to 80. The spine's segments are from White and Panjabi (Clinical Biomechanics of the Spine,
# 1990). SMPL divides the spine, the neck and the shoulder among several joints, so the ranges are divided too. No
# corner is beyond 180 degrees, where the same rotation has another vector.
RANGES: Dict[str, Tuple[Range, Range, Range]] = {
    'lower spine': ((-10, 35), (-10, 10), (-15, 15)),
    'middle spine': ((-10, 25), (-15, 15), (-12, 12)),
    'upper spine': ((-8, 15), (-15, 15), (-10, 10)),
    'neck': ((-30, 30), (-40, 40), (-25, 25)),
    'head': ((-25, 20), (-35, 35), (-15, 15)),
    'left hip': ((-125, 30), (-45, 45), (-30, 50)),
    'left knee': ((0, 150), (-10, 10), (-5, 5)),
    'left ankle': ((-20, 50), (-15, 15), (-20, 20)),
    'left foot': ((-45, 30), (-5, 5), (-5, 5)),
    'left collar': ((-10, 10), (-20, 20), (-10, 40)),
    'left shoulder': ((-70, 70), (-130, 60), (-100, 100)),
    'left elbow': ((-80, 80), (-150, 0), (-10, 10)),
    'left wrist': ((-10, 10), (-20, 30), (-80, 70)),
    'left hand': ((-5, 5), (-5, 5), (-20, 10)),
}
# a person who stands at ease
MEAN: Dict[str, Tuple[float, float, float]] = {
    'left hip': (-5, 0, 3),
    'left knee': (8, 0, 0),
    'left shoulder': (0, -10, -55),
    'left elbow': (0, -20, 0),
}


def joint_limits() -> Tuple[Tensor, Tensor]:
    """The lowest and the highest axis-angle vectors of joints 1 to 23, ``[23, 3]`` radians each, float64."""
    ranges = torch.tensor([_of_side(RANGES, name) for name in JOINT_NAMES[1:]], dtype=torch.float64)
    right = torch.tensor([name.startswith('right') for name in JOINT_NAMES[1:]])[:, None, None]
    mirrored = torch.stack([ranges[:, 0], -ranges[:, 1].flip(-1), -ranges[:, 2].flip(-1)], 1)
    low, high = (torch.where(right, mirrored, ranges) * math.pi / 180).unbind(-1)
    return low, high


def mean_pose() -> Tensor:
    """Axis-angle vectors of joints 1 to 23, ``[23, 3]`` radians, float64."""
    pose = torch.tensor([_of_side(MEAN, name, (0, 0, 0)) for name in JOINT_NAMES[1:]], dtype=torch.float64)
    sides = torch.tensor([[1, -1, -1] if name.startswith('right') else [1, 1, 1] for name in JOINT_NAMES[1:]])
    return pose * sides * math.pi / 180


def _of_side(table: dict, name: str, *default: tuple) -> tuple:
    return table.get(name.replace('right', 'left'), *default)
