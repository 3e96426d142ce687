from dataclasses import dataclass
from typing import Dict, Tuple

import numpy as np

from demos.people.world.poses import Limb, Pose

# angles / standard deviations in degrees of the upper and the lower half, positive outwards, 0 hanging down
ARMS = {
    'raised': '152/7 162/7',
    'down': '12/4 8/4',
}
LEGS = {
    'straight': '7/3 5/3',
    'bent': '66/6 -22/6',
}


@dataclass(frozen=True)
class Figure:
    """A pose seen from the front, and what each limb does: right, left."""

    pose: Pose
    arms: Tuple[str, str]
    legs: Tuple[str, str]

    @property
    def truth(self) -> Dict[str, str]:
        """What the limbs do, by name."""
        limbs = ('right arm', 'left arm', 'right leg', 'left leg')
        return dict(zip(limbs, (*self.arms, *self.legs)))


def random_figure(rng: np.random.Generator) -> Figure:
    """Arms and legs are chosen apart from each other and from what else is drawn; one leg at least stands."""
    arms = tuple(rng.choice(list(ARMS), 2).tolist())
    legs = tuple(rng.choice(list(LEGS), 2).tolist())
    if legs == ('bent', 'bent'):
        legs = tuple(rng.permutation(['bent', 'straight']).tolist())
    pose = Pose(
        True,
        tuple(_angles(ARMS[name], rng) for name in arms),
        tuple(_angles(LEGS[name], rng) for name in legs),
        lean=rng.normal(0, 3),
        nod=rng.normal(0, 5),
    )
    return Figure(pose, arms, legs)


def _angles(limb: str, rng: np.random.Generator) -> Limb:
    halves = (tuple(map(float, half.split('/'))) for half in limb.split())
    return tuple(middle + spread * float(np.clip(rng.normal(), -2, 2)) for middle, spread in halves)
