"""People of 17 COCO joints, drawn from the directions of their limbs."""

import math
from typing import Dict, Sequence, Tuple

import numpy as np

from clamp_mmpose.language.image_facts import ImageFacts, Instance
from clamp_mmpose.language.keypoint_names import keypoint_names

COCO = tuple(keypoint_names('CocoDataset'))
Limb = Tuple[float, float]


def stick_person(
    left_arm: Limb = (10, 10),
    right_arm: Limb = (10, 10),
    left_leg: Limb = (3, 3),
    right_leg: Limb = (3, 3),
    facing: str = 'camera',
    tilt: float = 0.0,
    at: Tuple[float, float] = (300.0, 200.0),
    scale: float = 100.0,
    missing: Sequence[str] = (),
) -> Instance:
    """A person whose trunk is ``scale`` pixels long, the hips at ``at``.

    Args:
        left_arm, right_arm, left_leg, right_leg: directions of both halves in degrees from straight down; positive
            is away from the body's middle if the person faces the camera or away, and forward in profile.
        facing: 'camera', 'away', 'left' or 'right'.
        tilt: of the trunk in degrees from upright, positive to the right of the image; arms and head go with it.
    """
    joints: Dict[str, Tuple[float, float]] = {}
    across = dict(camera=1.0, away=-1.0, left=0.05, right=-0.05)[facing]
    for side, sign in (('left', 1), ('right', -1)):
        outward = dict(camera=sign, away=-sign, left=-1, right=1)[facing]
        joints[f'{side} shoulder'] = (sign * across * 0.36, -1.0)
        joints[f'{side} hip'] = (sign * across * 0.18, 0.0)
        arm, leg = (left_arm, left_leg) if side == 'left' else (right_arm, right_leg)
        _limb(joints, side, ('shoulder', 'elbow', 'wrist'), arm, (0.6, 0.5), outward)
        _limb(joints, side, ('hip', 'knee', 'ankle'), leg, (0.83, 0.83), outward)
    joints.update(_face(facing))
    upper = [name for name in joints if not name.endswith(('hip', 'knee', 'ankle'))]
    turn = math.radians(tilt)
    for name in upper:
        x, y = joints[name]
        joints[name] = (x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn))
    keypoints = np.array([joints.get(name, (0.0, 0.0)) for name in COCO]) * scale + at
    visibility = np.array([2 * (name in joints and name not in missing) for name in COCO])
    seen = keypoints[visibility > 0]
    bbox = (*seen.min(0), *seen.max(0)) if len(seen) else (0.0, 0.0, 0.0, 0.0)
    return Instance('person', tuple(map(float, bbox)), keypoints, visibility)


def stick_facts(*people: Instance, **other) -> ImageFacts:
    """An image of 640 x 480 with these people."""
    return ImageFacts('people.jpg', 1, (640, 480), COCO, (), range(17), people, **other)


def _limb(joints, side, names, directions, lengths, outward) -> None:
    x, y = joints[f'{side} {names[0]}']
    for name, direction, length in zip(names[1:], directions, lengths):
        x += outward * length * math.sin(math.radians(direction))
        y += length * math.cos(math.radians(direction))
        joints[f'{side} {name}'] = (x, y)


def _face(facing: str) -> Dict[str, Tuple[float, float]]:
    if facing == 'away':
        return {'left ear': (-0.14, -1.38), 'right ear': (0.14, -1.38)}
    if facing == 'camera':
        return {
            'nose': (0.0, -1.35),
            'left eye': (0.06, -1.42),
            'right eye': (-0.06, -1.42),
            'left ear': (0.14, -1.38),
            'right ear': (-0.14, -1.38),
        }
    ahead = -1 if facing == 'left' else 1
    return {'nose': (ahead * 0.2, -1.35), f'{facing} eye': (ahead * 0.14, -1.42), f'{facing} ear': (0.0, -1.4)}
