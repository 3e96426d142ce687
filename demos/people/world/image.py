from dataclasses import dataclass
from typing import List, Sequence, Tuple

import cv2
import numpy as np

from demos.canvas.colors import Color, any_color, from_hex, one_of, vary
from demos.canvas.photo import SUPERSAMPLING, cast_shadow, generators, photograph, to_image
from demos.canvas.scenery import backdrop, clutter
from demos.canvas.sketch import Sketch, rotation

from .figure import BALL, Look, draw_person
from .poses import KEYPOINTS, pose_person
from .things import ball, barbell, bike, box, chair, flag, shirt, umbrella

COLOR_NAMES = ('red', 'blue', 'green', 'yellow', 'purple', 'orange')
COLORS = dict(zip(COLOR_NAMES, from_hex('ce2428 2854ce 269642 f2d830 863aa8 f2821c')))
TROUSERS = dict(zip(('gray', 'black', 'white', 'brown'), from_hex('808084 222228 e8e6e0 684a32')))
SKINS = from_hex('f4d0b4 e2b490 be8862 8c5e40 603e2c')
HAIRS = from_hex('201a18 543622 c49c5c 96928e 7a3a22')
HEIGHTS = 0.35, 0.8  # of the person's keypoints, relative to the image's longer side
SHORTEST_SIDE = 0.82  # of an image, relative to its longer side
PAIR_CHANCE = 0.2
BLOTS, THINGS = (2, 8), (0, 3)  # in the background: from 2 to 7, from 0 to 2
MAX_TILT = 8.0  # degrees
LIGHT = 0.85, 1.1  # factors of red, green and blue
FARTHEST_OUT = 0.15  # of the image, outside it
JUMP = 0.16  # above the ground, relative to the person's height


@dataclass
class ToyPeople:
    """An image of one or two people who do the same in the same clothes; coordinates are pixels of the image."""

    image: np.ndarray  # [h, w, 3], RGB uint8
    people: List[np.ndarray]  # each [16, 2], MPII's keypoints, inside and outside the image; the nearest person first
    trousers: str  # one of TROUSERS


def draw_people(activity: str, color: str, size: int, entropy: Sequence[int]) -> ToyPeople:
    """People among distractors in the colors of shirts.

    Args:
        activity: one of ``poses.ACTIVITIES``.
        color: of the shirts, one of ``COLORS``.
        size: pixels of the longer side.
        entropy: numbers that decide everything else.
    """
    rng, scene_rng, photo_rng = generators(*entropy)
    longest = SUPERSAMPLING * size
    shorter = SUPERSAMPLING * round(size * rng.uniform(SHORTEST_SIDE, 1))
    canvas_size = (longest, shorter) if rng.random() < 0.5 else (shorter, longest)
    canvas = backdrop(canvas_size, scene_rng)
    things = [_distractor(scene_rng) for _ in range(scene_rng.integers(*BLOTS))]
    things += [_used_object(scene_rng) for _ in range(scene_rng.integers(*THINGS))]
    for i in scene_rng.permutation(len(things)):
        things[i].place(longest * scene_rng.uniform(0.35, 0.75), scene_rng.uniform(0, 1, 2) * canvas_size)
        things[i].paint(canvas, SUPERSAMPLING * scene_rng.uniform(0.2, 0.7))
    trousers = list(TROUSERS)[rng.integers(len(TROUSERS))]
    look = Look(
        shirt=vary(COLORS[color], rng),
        trousers=vary(TROUSERS[trousers], rng),
        skin=one_of(SKINS, rng),
        hair=one_of(HAIRS, rng),
        shoes=vary((60, 54, 52), rng, 24),
        thing=_shirt_color(rng),
        sleeves=rng.uniform(0.15, 0.5),
    )
    mirrored = rng.random() < 0.5
    people = [_person(activity, look, mirrored, rng)]
    share = HEIGHTS[1] - (HEIGHTS[1] - HEIGHTS[0]) * rng.random() ** 2  # most are large
    _place(people[0], share * longest, canvas_size, rng.uniform(0, 1), rng)
    if rng.random() < PAIR_CHANCE:
        people.append(_person(activity, look, mirrored, rng))
        across = float(np.mean([point[0] for point in people[0].points.values()]) < canvas_size[0] / 2)
        _place(people[1], max(share * rng.uniform(0.55, 0.75), 0.25) * longest, canvas_size, across, rng)
    for person in people[::-1]:
        _cast_shadow(canvas, person, JUMP if activity == 'jumping' else 0.0)
        person.paint(canvas, SUPERSAMPLING * rng.uniform(0.5, 0.8))
    keypoints = [to_image(np.stack([person.points[name] for name in KEYPOINTS])) for person in people]
    canvas = cv2.multiply(canvas, (*photo_rng.uniform(*LIGHT, 3), 0))
    return ToyPeople(photograph(canvas, photo_rng), keypoints, trousers)


def _person(activity: str, look: Look, mirrored: bool, rng: np.random.Generator) -> Sketch:
    sketch = Sketch(rng)
    draw_person(sketch, activity, pose_person(activity, rng), look)
    if mirrored:
        sketch.move(np.diag([-1.0, 1.0]))
        sketch.points = {exchange(name): point for name, point in sketch.points.items()}
    sketch.move(rotation(rng.uniform(-MAX_TILT, MAX_TILT)))
    return sketch


def exchange(name: str) -> str:
    """The name of the keypoint on the other side."""
    side, _, joint = name.partition('_')
    return f'{dict(left="right", right="left").get(side, side)}_{joint}' if joint else name


def _place(person: Sketch, height: float, canvas: Tuple[int, int], across: float, rng: np.random.Generator):
    """Put a person on the canvas: its keypoints ``height`` pixels large, ``across`` from 0 (left) to 1 (right)."""
    low, high = person.bounds()
    places = np.stack(list(person.points.values()))
    scale = min(height / np.ptp(places, axis=0).max(), (1.02 * np.array(canvas) / (high - low)).min())
    room = canvas - scale * (high - low)
    # sometimes so far to one side or down that a hand or a foot is outside
    shift = FARTHEST_OUT * rng.uniform([-1, 0], 1) ** 3
    origin = room * [across, rng.uniform(0.2, 1)] + shift * canvas
    person.place(scale, origin - scale * low)


def _cast_shadow(canvas: np.ndarray, person: Sketch, gap: float):
    """A shadow on the ground, ``gap`` of a person's height below it."""
    places = np.stack(list(person.points.values()))
    (left, top), (right, bottom) = places.min(axis=0), places.max(axis=0)
    foot = person.bounds()[1][1] + gap * (bottom - top)
    cast_shadow(canvas, ((left + right) / 2, foot), (0.45 * (right - left) + 6, 8))


def _distractor(rng: np.random.Generator) -> Sketch:
    """A simple shape, or a shirt."""
    if rng.random() < 0.6:
        return clutter(rng, _shirt_color(rng))
    sketch = Sketch(rng)
    shirt(sketch, (0, 0), rng.uniform(0.26, 0.34), _shirt_color(rng))
    sketch.move(rotation(rng.normal(0, 15)))
    return sketch


def _used_object(rng: np.random.Generator) -> Sketch:
    """An object of one of the activities."""
    sketch = Sketch(rng)
    color, half = _shirt_color(rng), rng.uniform([0.1, 0.085], [0.15, 0.13])
    draw = (
        lambda: umbrella(sketch, (0, 0), rng.uniform(0.3, 0.42), rng.uniform(-120, 120), color),
        lambda: ball(sketch, (0, 0), rng.uniform(*BALL), color),
        lambda: box(sketch, (0, 0), half, 0, color),
        lambda: chair(sketch, (0, 0), rng.uniform(0.22, 0.3), color),
        lambda: bike(sketch, (0, -0.16), (0.3, -0.22), (0.06, 0.16), color),
        lambda: flag(sketch, (0, 0), rng.uniform(0.34, 0.42), 0, color),
        lambda: barbell(sketch, np.array([[-0.15, 0], [0.15, 0]]), color),
    )
    draw[rng.integers(len(draw))]()
    sketch.move(rotation(rng.normal(0, 10)) @ np.diag([rng.choice([-1.0, 1.0]), 1.0]))
    return sketch


def _shirt_color(rng: np.random.Generator) -> Color:
    """A random color, mostly one of the shirts' colors."""
    if rng.random() < 0.75:
        return vary(one_of(tuple(COLORS.values()), rng), rng)
    return any_color(rng, (0.2, 1.0), (0, 0.6))
