from dataclasses import dataclass
from typing import Dict, Sequence

import cv2
import numpy as np

from demos.canvas.colors import one_of, vary
from demos.canvas.photo import SUPERSAMPLING, cast_shadow, generators, photograph, to_image
from demos.canvas.scenery import backdrop
from demos.canvas.sketch import Sketch, rotation
from demos.people.world.figure import Look, draw_person
from demos.people.world.image import COLORS, HAIRS, SKINS, TROUSERS
from demos.people.world.poses import KEYPOINTS

from .poses import random_figure

HEIGHTS = 0.72, 0.92  # of the person, relative to the image
MAX_TILT = 5.0  # degrees
LIGHT = 0.9, 1.1  # factors of red, green and blue


@dataclass
class ToyFigure:
    """An image of a person; coordinates are pixels of the image."""

    image: np.ndarray  # [size, size, 3], RGB uint8
    keypoints: np.ndarray  # [16, 2], MPII's
    truth: Dict[str, str]  # what each limb does
    shirt: str
    trousers: str


def draw_figure(activity: str, size: int, entropy: Sequence[int]) -> ToyFigure:
    """A person seen from the front in a random pose.

    Args:
        activity: decides the object in the hand, not the pose.
        size: pixels of both sides.
        entropy: numbers that decide everything else.
    """
    rng, scene_rng, photo_rng = generators(*entropy)
    side = SUPERSAMPLING * size
    canvas = backdrop((side, side), scene_rng)
    shirt, trousers = (list(colors)[rng.integers(len(colors))] for colors in (COLORS, TROUSERS))
    look = Look(
        shirt=vary(COLORS[shirt], rng),
        trousers=vary(TROUSERS[trousers], rng),
        skin=one_of(SKINS, rng),
        hair=one_of(HAIRS, rng),
        shoes=vary((60, 54, 52), rng, 24),
        thing=vary(one_of(tuple(COLORS.values()), rng), rng),
        sleeves=rng.uniform(0.15, 0.5),
    )
    figure = random_figure(rng)
    person = Sketch(rng)
    draw_person(person, activity, figure.pose, look)
    person.move(rotation(rng.uniform(-MAX_TILT, MAX_TILT)))
    low, high = person.bounds()
    scale = min(rng.uniform(*HEIGHTS), 0.98 * (high - low)[1] / (high - low)[0]) * side / (high - low)[1]
    person.place(scale, rng.uniform(0.2, 0.8, 2) * (side - scale * (high - low)) - scale * low)
    _cast_shadow(canvas, person)
    person.paint(canvas, SUPERSAMPLING * 0.6)
    keypoints = to_image(np.stack([person.points[name] for name in KEYPOINTS]))
    canvas = cv2.multiply(canvas, (*photo_rng.uniform(*LIGHT, 3), 0))
    return ToyFigure(photograph(canvas, photo_rng), keypoints, figure.truth, shirt, trousers)


def _cast_shadow(canvas: np.ndarray, person: Sketch):
    (left, _), (right, bottom) = person.bounds()
    cast_shadow(canvas, ((left + right) / 2, bottom), (0.4 * (right - left) + 6, 8))
