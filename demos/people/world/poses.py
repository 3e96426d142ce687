from dataclasses import dataclass
from typing import Dict, Tuple

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
SHOULDERS, HIPS = 0.105, 0.06  # half the width, from the front
SIDE_WIDTH = 0.25  # share of it seen from the side
Limb = Tuple[float, float]  # angles of the upper and the lower half


@dataclass(frozen=True)
class Pose:
    """Angles in degrees: limbs from hanging down, trunk and head from upright.

    Seen from the front, a limb's angle is positive outwards. Seen from the side, the person faces right, the right
    limbs are nearer, and positive is forwards.
    """

    frontal: bool  # seen from the front
    arms: Tuple[Limb, Limb]  # right, left
    legs: Tuple[Limb, Limb]
    lean: float = 0.0  # of the trunk, positive to the right of the image
    nod: float = 0.0  # the same for the head
    turn: float = 0.0  # of the whole person, clockwise

    def joints(self, rng: np.random.Generator) -> Dict[str, np.ndarray]:
        """The points (x, y) of ``KEYPOINTS``: the pelvis at the origin, y down, lengths varied a little."""
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


# angles / standard deviations of the upper and the lower half of the right limb, then of the left one; 'trunk' is lean,
# nod and turn; 'either' names the limbs whose sides are swapped at random, all together
STANDING = '7/4 4/4 7/4 4/4'
ACTIVITIES = {
    'waving a flag': dict(arms='118/9 160/10 14/8 8/10', legs=STANDING, trunk='0/4 0/6', either=('arms',)),
    'jumping': dict(arms='140/10 152/12 140/10 152/12', legs='52/9 -14/12 52/9 -14/12', trunk='0/5 0/6'),
    'running': dict(
        side=True,
        arms='-48/8 37/11 42/8 122/11',
        legs='62/8 -12/8 -26/8 -88/8',
        trunk='14/5 6/5',
        either=('arms', 'legs'),
    ),
    'doing a handstand': dict(arms='172/6 176/6 172/6 176/6', legs='16/9 16/10 16/9 16/10', trunk='0/4 0/6 180/5'),
    'sitting on a chair': dict(side=True, arms='24/9 72/10 24/9 72/10', legs='86/5 2/9 86/5 2/9', trunk='-2/4 2/6'),
    'riding a bike': dict(
        side=True, arms='48/6 66/6 48/6 66/6', legs='72/6 -14/5 38/6 -12/5', trunk='32/6 14/6', either=('legs',)
    ),
    'holding an umbrella': dict(arms='22/8 158/10 12/8 8/10', legs=STANDING, trunk='0/4 0/6', either=('arms',)),
    'lifting a barbell': dict(arms='138/7 176/6 138/7 176/6', legs='22/6 8/6 22/6 8/6', trunk='0/3 0/5'),
    'kicking a ball': dict(side=True, arms='-52/8 -44/10 56/8 70/10', legs='72/8 76/8 -6/5 -12/6', trunk='-18/5 -4/6'),
    'carrying a box': dict(
        side=True, arms='26/8 84/7 26/8 84/7', legs='14/6 6/7 -14/6 -26/7', trunk='-4/4 2/6', either=('legs',)
    ),
}


def pose_person(activity: str, rng: np.random.Generator) -> Pose:
    """A random pose of one of ``ACTIVITIES``."""
    entry = ACTIVITIES[activity]
    angles = {}
    for part in ('arms', 'legs', 'trunk'):
        middles, spreads = zip(*(map(float, angle.split('/')) for angle in entry[part].split()))
        angles[part] = (np.array(middles) + spreads * rng.normal(size=len(spreads)).clip(-2, 2)).tolist()
    limbs = {part: (tuple(angles[part][:2]), tuple(angles[part][2:])) for part in ('arms', 'legs')}
    if rng.random() < 0.5:
        limbs.update({part: limbs[part][::-1] for part in entry.get('either', ())})
    return Pose(not entry.get('side', False), limbs['arms'], limbs['legs'], *angles['trunk'])
