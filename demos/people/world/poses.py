from dataclasses import dataclass
from typing import Callable, Dict, Tuple

import numpy as np

from demos.canvas.sketch import rotation

# MPII's order
KEYPOINTS = (
    *('right_ankle', 'right_knee', 'right_hip', 'left_hip', 'left_knee', 'left_ankle'),
    *('pelvis', 'thorax', 'upper_neck', 'head_top'),
    *('right_wrist', 'right_elbow', 'right_shoulder', 'left_shoulder', 'left_elbow', 'left_wrist'),
)
# lengths, of a person one unit tall
TRUNK, NECK, HEAD, UPPER_ARM, FOREARM, THIGH, SHIN = 0.29, 0.06, 0.16, 0.16, 0.15, 0.24, 0.24
SHOULDERS, HIPS = 0.105, 0.06  # half the width, seen from the front
SIDE_WIDTH = 0.25  # how much of it is seen from the side
Limb = Tuple[float, float]  # of the upper and the lower half


@dataclass(frozen=True)
class Pose:
    """Angles in degrees: limbs from hanging down, trunk and head from upright.

    Seen from the front a limb's angle is positive outwards. Seen from the side the person faces right, the right
    limbs are the near ones, and positive is forwards.

    Args:
        frontal: seen from the front.
        arms, legs: the right and the left one.
        lean, nod: of the trunk and the head, positive to the right of the image.
        turn: of the whole person, clockwise.
    """

    frontal: bool
    arms: Tuple[Limb, Limb]
    legs: Tuple[Limb, Limb]
    lean: float = 0.0
    nod: float = 0.0
    turn: float = 0.0

    def joints(self, rng: np.random.Generator) -> Dict[str, np.ndarray]:
        """The places (x, y) of ``KEYPOINTS``: the pelvis at zero, y down, lengths varied a little."""
        stretch = dict(zip(('trunk', 'arm', 'leg'), np.exp(rng.normal(0, 0.05, 3).clip(-0.12, 0.12))))
        width = 1.0 if self.frontal else SIDE_WIDTH
        up, skyward = rotation(self.lean) @ [0, -1], rotation(self.nod) @ [0, -1]
        across = rotation(self.lean) @ [width, 0]
        points = dict(pelvis=np.zeros(2), thorax=TRUNK * stretch['trunk'] * up)
        points['upper_neck'] = points['thorax'] + NECK * up
        points['head_top'] = points['upper_neck'] + HEAD * skyward
        limbs = (
            ('shoulder', 'elbow', 'wrist', 'thorax', SHOULDERS, self.arms, 'arm', UPPER_ARM, FOREARM),
            ('hip', 'knee', 'ankle', 'pelvis', HIPS, self.legs, 'leg', THIGH, SHIN),
        )
        for first, second, third, root, half, bends, part, upper, lower in limbs:
            for side, sign, (start, end) in (('right', -1, bends[0]), ('left', 1, bends[1])):
                outwards = sign if self.frontal else 1
                base = points[root] + sign * half * across
                middle = base + upper * stretch[part] * rotation(-outwards * start) @ [0, 1]
                points[f'{side}_{first}'], points[f'{side}_{second}'] = base, middle
                points[f'{side}_{third}'] = middle + lower * stretch[part] * rotation(-outwards * end) @ [0, 1]
        return {name: rotation(self.turn) @ points[name] for name in KEYPOINTS}


Vary = Callable[..., float]  # an angle, and how far it spreads


def pose_person(activity: str, rng: np.random.Generator) -> Pose:
    """A pose that shows one of ``ACTIVITIES``, varied by chance."""
    return ACTIVITIES[activity](lambda angle, spread=8.0: angle + spread * float(np.clip(rng.normal(), -2, 2)), rng)


def _either(one: Limb, other: Limb, rng: np.random.Generator) -> Tuple[Limb, Limb]:
    return (one, other) if rng.random() < 0.5 else (other, one)


def _standing(vary: Vary) -> Tuple[Limb, Limb]:
    return (vary(7, 4), vary(4, 4)), (vary(7, 4), vary(4, 4))


def _waving(vary: Vary, rng: np.random.Generator) -> Pose:
    arms = _either((vary(118, 9), vary(160, 10)), (vary(14), vary(8, 10)), rng)
    return Pose(True, arms, _standing(vary), vary(0, 4), vary(0, 6))


def _jumping(vary: Vary, rng: np.random.Generator) -> Pose:
    arms = (vary(140, 10), vary(152, 12)), (vary(140, 10), vary(152, 12))
    legs = (vary(52, 9), vary(-14, 12)), (vary(52, 9), vary(-14, 12))
    return Pose(True, arms, legs, vary(0, 5), vary(0, 6))


def _running(vary: Vary, rng: np.random.Generator) -> Pose:
    back, front = vary(-48), vary(42)
    ahead, behind = vary(62), vary(-26)
    arms, legs = ((back, vary(back + 85)), (front, vary(front + 80))), ((ahead, vary(-12)), (behind, vary(-88)))
    if rng.random() < 0.5:
        arms, legs = arms[::-1], legs[::-1]
    return Pose(False, arms, legs, vary(14, 5), vary(6, 5))


def _handstand(vary: Vary, rng: np.random.Generator) -> Pose:
    arms = (vary(172, 6), vary(176, 6)), (vary(172, 6), vary(176, 6))
    spread = rng.uniform(2, 30)
    legs = (vary(spread, 5), vary(spread, 7)), (vary(spread, 5), vary(spread, 7))
    return Pose(True, arms, legs, vary(0, 4), vary(0, 6), turn=180 + vary(0, 5))


def _sitting(vary: Vary, rng: np.random.Generator) -> Pose:
    arms = (vary(24, 9), vary(72, 10)), (vary(24, 9), vary(72, 10))
    legs = (vary(86, 5), vary(2, 9)), (vary(86, 5), vary(2, 9))
    return Pose(False, arms, legs, vary(-2, 4), vary(2, 6))


def _riding(vary: Vary, rng: np.random.Generator) -> Pose:
    reach = vary(48, 6), vary(66, 6)
    legs = _either((vary(72, 6), vary(-14, 5)), (vary(38, 6), vary(-12, 5)), rng)
    return Pose(False, (reach, (vary(reach[0], 3), vary(reach[1], 3))), legs, vary(32, 6), vary(14, 6))


def _holding(vary: Vary, rng: np.random.Generator) -> Pose:
    arms = _either((vary(22, 8), vary(158, 10)), (vary(12), vary(8, 10)), rng)
    return Pose(True, arms, _standing(vary), vary(0, 4), vary(0, 6))


def _lifting(vary: Vary, rng: np.random.Generator) -> Pose:
    arms = (vary(138, 7), vary(176, 6)), (vary(138, 7), vary(176, 6))
    legs = (vary(22, 6), vary(8, 6)), (vary(22, 6), vary(8, 6))
    return Pose(True, arms, legs, vary(0, 3), vary(0, 5))


def _kicking(vary: Vary, rng: np.random.Generator) -> Pose:
    legs = (vary(72, 8), vary(76, 8)), (vary(-6, 5), vary(-12, 6))
    arms = (vary(-52, 8), vary(-44, 10)), (vary(56, 8), vary(70, 10))
    return Pose(False, arms, legs, vary(-18, 5), vary(-4, 6))


def _carrying(vary: Vary, rng: np.random.Generator) -> Pose:
    stride = rng.uniform(4, 24)
    legs = _either((vary(stride, 4), vary(stride - 8, 5)), (vary(-stride, 4), vary(-stride - 12, 5)), rng)
    arms = (vary(26, 8), vary(84, 7)), (vary(26, 8), vary(84, 7))
    return Pose(False, arms, legs, vary(-4, 4), vary(2, 6))


ACTIVITIES = {
    'waving a flag': _waving,
    'jumping': _jumping,
    'running': _running,
    'doing a handstand': _handstand,
    'sitting on a chair': _sitting,
    'riding a bike': _riding,
    'holding an umbrella': _holding,
    'lifting a barbell': _lifting,
    'kicking a ball': _kicking,
    'carrying a box': _carrying,
}
