from dataclasses import dataclass
from typing import List, Sequence, Tuple

import cv2
import numpy as np

from demos.animals.world.picture import SUPERSAMPLING, photograph
from demos.animals.world.scenery import PLACES, Scene
from demos.canvas.sketch import Colour, Sketch, rotation, shade

from .figure import BALL, Look, draw_person
from .poses import KEYPOINTS, pose_person
from .things import SQUARE, ball, barbell, bike, box, chair, flag, shirt, umbrella

COLOURS = {
    'red': (206, 36, 40),
    'blue': (40, 84, 206),
    'green': (38, 150, 66),
    'yellow': (242, 216, 48),
    'purple': (134, 58, 168),
    'orange': (242, 130, 28),
}
TROUSERS = {'gray': (128, 128, 132), 'black': (34, 34, 40), 'white': (232, 230, 224), 'brown': (104, 74, 50)}
SKINS = ((244, 208, 180), (226, 180, 144), (190, 136, 98), (140, 94, 64), (96, 62, 44))
HAIRS = ((32, 26, 24), (84, 54, 34), (196, 156, 92), (150, 146, 142), (122, 58, 34))
HEIGHTS = 0.35, 0.8  # of the person's keypoints, as a share of the picture's longer side
SHORTEST_SIDE = 0.82  # of a picture, of its longer one
PAIR_CHANCE, LANDSCAPE_CHANCE = 0.2, 0.4
BLOTS, THINGS = (2, 8), (0, 3)  # in the background: from 2 to 7, from 0 to 2
MAX_TILT = 8.0  # degrees
LIGHT = 0.85, 1.1  # of red, green and blue
FARTHEST_OUT = 0.15  # of the picture
JUMP = 0.16  # how far above the ground, of the person's height


@dataclass
class ToyPeople:
    """A picture of one or two people who do the same in the same clothes.

    Args:
        picture: ``[h, w, 3]``, RGB uint8.
        people: each ``[16, 2]``, (x, y) in pixels of the picture, in MPII's order, also those outside it; the nearest
            person first.
        trousers: one of ``TROUSERS``.
    """

    picture: np.ndarray
    people: List[np.ndarray]
    trousers: str


def draw_people(activity: str, colour: str, size: int, entropy: Sequence[int]) -> ToyPeople:
    """People among things that have nothing to do with them, in the colours of shirts.

    Args:
        activity: one of ``toy_people_poses.ACTIVITIES``.
        colour: of the shirts, one of ``COLOURS``.
        size: pixels of the longer side.
        entropy: numbers that decide everything else.
    """
    rng, scene_rng, photo_rng = (np.random.default_rng(seed) for seed in np.random.SeedSequence([*entropy]).spawn(3))
    longest = SUPERSAMPLING * size
    shorter = SUPERSAMPLING * round(size * rng.uniform(SHORTEST_SIDE, 1))
    canvas_size = (longest, shorter) if rng.random() < 0.5 else (shorter, longest)
    canvas = _backdrop(canvas_size, scene_rng)
    trousers = list(TROUSERS)[rng.integers(len(TROUSERS))]
    look = Look(
        shirt=_vary(COLOURS[colour], rng),
        trousers=_vary(TROUSERS[trousers], rng),
        skin=_one_of(SKINS, rng),
        hair=_one_of(HAIRS, rng),
        shoes=_vary((60, 54, 52), rng, 24),
        thing=_any_colour(rng),
        sleeves=rng.uniform(0.15, 0.5),
    )
    mirrored = rng.random() < 0.5
    first = _person(activity, look, mirrored, rng)
    share = HEIGHTS[1] - (HEIGHTS[1] - HEIGHTS[0]) * rng.random() ** 2  # most are large
    _place(first, share * longest, canvas_size, rng.uniform(0, 1), rng)
    people = [first]
    if rng.random() < PAIR_CHANCE:
        second = _person(activity, look, mirrored, rng)
        middle = np.mean([point[0] for point in first.points.values()]) / canvas_size[0]
        _place(second, max(share * rng.uniform(0.55, 0.75), 0.25) * longest, canvas_size, float(middle < 0.5), rng)
        people.append(second)
    for person in people[::-1]:
        _cast_shadow(canvas, person, JUMP if activity == 'jumping' else 0.0)
        person.paint(canvas, SUPERSAMPLING * rng.uniform(0.5, 0.8))
    # a pixel's centre in the picture is the centre of SUPERSAMPLING of the canvas
    keypoints = [
        (np.stack([person.points[name] for name in KEYPOINTS]) + 0.5) / SUPERSAMPLING - 0.5 for person in people
    ]
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
    """The keypoint of the other side."""
    side, _, joint = name.partition('_')
    return f'{dict(left="right", right="left").get(side, side)}_{joint}' if joint else name


def _place(person: Sketch, height: float, canvas: Tuple[int, int], across: float, rng: np.random.Generator):
    """Put a person on the canvas, its keypoints ``height`` pixels large, at 0 (left) to 1 (right)."""
    low, high = person.bounds()
    places = np.stack(list(person.points.values()))
    scale = min(height / np.ptp(places, axis=0).max(), (1.02 * np.array(canvas) / (high - low)).min())
    room = canvas - scale * (high - low)
    # mostly little, sometimes so far to a side or down that a hand or a foot is outside
    shift = FARTHEST_OUT * rng.uniform([-1, 0], 1) ** 3
    origin = room * [across, rng.uniform(0.2, 1)] + shift * canvas
    person.place(scale, origin - scale * low)


def _cast_shadow(canvas: np.ndarray, person: Sketch, gap: float):
    """A dark spot on the ground, ``gap`` of its height below a person."""
    places = np.stack(list(person.points.values()))
    (left, top), (right, bottom) = places.min(axis=0), places.max(axis=0)
    foot = person.bounds()[1][1] + gap * (bottom - top)
    dark = cv2.convertScaleAbs(canvas, alpha=0.7)
    mask = np.zeros(canvas.shape[:2], np.uint8)
    cv2.ellipse(
        mask, (int((left + right) / 2), int(foot)), (int(0.45 * (right - left)) + 6, 8), 0, 0, 360, 255, cv2.FILLED
    )
    cv2.copyTo(dark, mask, canvas)


def _backdrop(size: Tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """A landscape, or a wall and a floor, with things lying around."""
    width, height = size
    if rng.random() < LANDSCAPE_CHANCE:
        canvas = Scene(size, int(rng.integers(len(PLACES))), rng).paint()
    else:
        colours = Sketch(rng)
        ends = np.array([colours.colour((0.3, 1.0), (0, 0.5)) for _ in range(2)], np.float32)
        canvas = np.empty((height, width, 3), np.uint8)
        canvas[:] = ends[0] + (ends[1] - ends[0]) * np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
        canvas[int(height * rng.uniform(0.45, 0.85)) :] = colours.colour((0.3, 1.0), (0, 0.5))
        cells = rng.standard_normal((rng.integers(3, 40), rng.integers(3, 40)), np.float32) * rng.uniform(2, 14)
        cv2.add(canvas, cv2.merge([cv2.resize(cells, size)] * 3), canvas, dtype=cv2.CV_8U)
    things = [_something(size, rng) for _ in range(rng.integers(*BLOTS))]
    things += [_something_used(size, rng) for _ in range(rng.integers(*THINGS))]
    for i in rng.permutation(len(things)):
        things[i].paint(canvas, SUPERSAMPLING * rng.uniform(0.2, 0.7))
    return canvas


def _something(size: Tuple[int, int], rng: np.random.Generator) -> Sketch:
    """A blob, a board, a post or a shirt, anywhere."""
    sketch = Sketch(rng)
    colour, kind = _any_colour(rng), rng.integers(5)
    turned = rng.uniform(-90, 90)
    if kind == 0:
        sketch.ellipse((0, 0), rng.uniform(0.06, 0.16, 2), colour)
    elif kind == 1:  # about as large as a shirt
        sketch.polygon(SQUARE * rng.uniform([0.07, 0.11], [0.12, 0.17]), colour)
    elif kind == 2:
        reach = rng.uniform(0.15, 0.5)
        sketch.tube([[0, -reach], [0, reach]], [rng.uniform(0.025, 0.05)] * 2, colour)
    else:
        shirt(sketch, (0, 0), rng.uniform(0.26, 0.34), colour)
        turned = rng.normal(0, 15)
    return _anywhere(sketch, turned, size)


def _something_used(size: Tuple[int, int], rng: np.random.Generator) -> Sketch:
    """One of the things that people here use, anywhere."""
    sketch = Sketch(rng)
    colour, kind = _any_colour(rng), rng.integers(7)
    turned = rng.normal(0, 10)
    if kind == 0:
        umbrella(sketch, (0, 0), rng.uniform(0.3, 0.42), 0, colour)
        turned = rng.uniform(-120, 120)
    elif kind == 1:
        ball(sketch, (0, 0), rng.uniform(*BALL), colour)
    elif kind == 2:
        box(sketch, (0, 0), rng.uniform([0.1, 0.085], [0.15, 0.13]), 0, colour)
    elif kind == 3:
        chair(sketch, (0, 0), rng.uniform(0.22, 0.3), colour)
    elif kind == 4:
        bike(sketch, (0, -0.16), (0.3, -0.22), (0.06, 0.16), colour)
    elif kind == 5:
        flag(sketch, (0, 0), rng.uniform(0.34, 0.42), 0, colour)
    else:
        barbell(sketch, np.array([[-0.15, 0], [0.15, 0]]), colour)
    return _anywhere(sketch, turned, size)


def _anywhere(sketch: Sketch, turned: float, size: Tuple[int, int]) -> Sketch:
    rng = sketch.rng
    sketch.move(rotation(turned) @ np.diag([rng.choice([-1.0, 1.0]), 1.0]))
    sketch.place(max(size) * rng.uniform(0.35, 0.75), rng.uniform(0, 1, 2) * size)
    return sketch


def _any_colour(rng: np.random.Generator) -> Colour:
    """Mostly one of the shirts' colours."""
    if rng.random() < 0.75:
        return _vary(_one_of(tuple(COLOURS.values()), rng), rng)
    return Sketch(rng).colour((0.2, 1.0), (0, 0.6))


def _vary(colour: Colour, rng: np.random.Generator, spread: float = 9.0) -> Colour:
    changed = np.array(shade(colour, rng.uniform(0.86, 1.08))) + rng.normal(0, spread, 3)
    return tuple(np.clip(changed, 0, 255).astype(int).tolist())


def _one_of(colours: Sequence[Colour], rng: np.random.Generator) -> Colour:
    return colours[rng.integers(len(colours))]
