from dataclasses import dataclass
from typing import Dict, Optional, Tuple

import numpy as np
from scipy.spatial.transform import Rotation

from clamp_mmpose.body.smpl_joints import JOINT_NAMES

# degrees of the upper arm: raised above the horizontal, then swung to the front; of the elbow: bent to the front
ARMS: Dict[str, Tuple[float, float, float]] = {
    'down': (-75, 0, 8),
    'raised': (75, 0, 8),
    'sideways': (0, 0, 5),
    'forward': (-5, 80, 5),
    'on the hip': (-55, -15, 95),
    'to the face': (-50, 55, 135),
    'carrying': (-65, 20, 85),
}
# degrees of the thigh: to the front, to the side; of the knee
LEGS: Dict[str, Tuple[float, float, float]] = {
    'straight': (0, 4, 4),
    'apart': (0, 24, 4),
    'kicking': (65, 4, 10),
    'knee up': (80, 8, 85),
    'stepping': (60, 4, 65),
    'back': (-28, 4, 25),
    'sitting': (85, 8, 85),
    'squatting': (105, 18, 115),
    'on one leg': (35, 50, 110),
}
SPREAD = 7.0  # standard deviation in degrees of each angle
FREE = 0.25  # of all poses
TURN = 45.0  # degrees that a person is turned away from the camera at most
SIDES = 'left', 'right'


@dataclass(frozen=True)
class Activity:
    """What a person does, which decides the pose; arms and legs of both sides, which may be exchanged."""

    sentence: str
    arms: Tuple[str, str]
    legs: Tuple[str, str]
    bow: float = 0.0  # degrees of the trunk to the front


ACTIVITIES: Tuple[Activity, ...] = (
    Activity('is hailing a taxi', ('raised', 'down'), ('straight', 'straight')),
    Activity('is cheering at a goal', ('raised', 'raised'), ('apart', 'apart')),
    Activity('is waiting in a queue', ('down', 'down'), ('straight', 'straight')),
    Activity('is watching television on a chair', ('carrying', 'carrying'), ('sitting', 'sitting')),
    Activity('is exercising with deep squats', ('forward', 'forward'), ('squatting', 'squatting'), 25),
    Activity('is fencing', ('forward', 'down'), ('stepping', 'back')),
    Activity('is taking a penalty kick', ('sideways', 'sideways'), ('kicking', 'straight')),
    Activity('is practicing the tree pose of yoga', ('raised', 'raised'), ('on one leg', 'straight')),
    Activity('is playing the scarecrow of a field', ('sideways', 'sideways'), ('straight', 'straight')),
    Activity('is a strict teacher in front of a class', ('on the hip', 'on the hip'), ('apart', 'apart')),
    Activity('is bowing to the audience', ('down', 'down'), ('straight', 'straight'), 65),
    Activity('is boxing', ('to the face', 'to the face'), ('stepping', 'back')),
    Activity('is carrying a tray to the guests', ('carrying', 'carrying'), ('straight', 'straight')),
    Activity('is marching in a parade', ('down', 'forward'), ('knee up', 'straight')),
)
FREE_ARMS, FREE_LEGS = tuple(ARMS), ('straight', 'apart', 'kicking', 'knee up', 'stepping', 'back')
BOWS = (0.0, 0.0, 30.0, 60.0)


@dataclass(frozen=True)
class ToyPose:
    """A pose: ``axis_angle [24, 3]`` radians, the root in the camera's frame; the activity, if it is one."""

    axis_angle: np.ndarray
    activity: Optional[Activity]


def random_pose(rng: np.random.Generator) -> ToyPose:
    """The pose of an activity, or a free one, of which arms, legs and trunk are chosen apart from each other."""
    activity = ACTIVITIES[rng.integers(len(ACTIVITIES))] if rng.random() >= FREE else None
    if activity is None:
        arms, legs = rng.choice(FREE_ARMS, 2), list(rng.choice(FREE_LEGS, 2))
        if not set(legs) & {'straight', 'apart'}:
            legs[rng.integers(2)] = 'straight'  # one leg stands
        bow = float(rng.choice(BOWS))
    else:
        arms, legs, bow = activity.arms, activity.legs, activity.bow
        if rng.random() < 0.5:  # the other way round
            arms, legs = arms[::-1], legs[::-1]
    turns = {name: np.zeros(3) for name in JOINT_NAMES}
    for side, arm, leg in zip(SIDES, arms, legs):
        turns.update(_limbs(side, _noisy(ARMS[arm], rng), _noisy(LEGS[leg], rng)))
    bend = (bow + rng.normal(0, SPREAD)) / 3
    for name in ('lower spine', 'middle spine', 'upper spine'):
        turns[name] = _turn('xz', bend, rng.normal(0, 2))
    turns['head'] = _turn('xy', rng.normal(0, 8), rng.normal(0, 12))
    around = rng.uniform(-TURN, TURN)
    turns['pelvis'] = (
        Rotation.from_euler('x', 180 + rng.normal(0, 4), True) * Rotation.from_euler('y', around, True)
    ).as_rotvec()
    return ToyPose(np.stack([turns[name] for name in JOINT_NAMES]), activity)


def _limbs(side: str, arm: np.ndarray, leg: np.ndarray) -> Dict[str, np.ndarray]:
    """Rotations of the joints of one side."""
    sign = 1 if side == 'left' else -1
    raised, forward, elbow = arm
    front, out, knee = leg
    upper = Rotation.from_euler('y', -sign * forward, True) * Rotation.from_euler('z', sign * raised, True)
    thigh = Rotation.from_euler('z', sign * out, True) * Rotation.from_euler('x', -front, True)
    return {
        f'{side} shoulder': upper.as_rotvec(),
        f'{side} elbow': _turn('y', -sign * elbow),
        f'{side} hip': thigh.as_rotvec(),
        f'{side} knee': _turn('x', knee),
        f'{side} ankle': _turn('x', 0.4 * (front - knee) if front > 0 else 0.0),
    }


def _turn(axes: str, *degrees: float) -> np.ndarray:
    return Rotation.from_euler(axes, degrees if len(axes) > 1 else degrees[0], True).as_rotvec()


def _noisy(angles: Tuple[float, ...], rng: np.random.Generator) -> np.ndarray:
    return np.array(angles) + SPREAD * rng.normal(size=len(angles)).clip(-2, 2)
