from dataclasses import dataclass
from itertools import count
from typing import Dict, Sequence, Tuple

import cv2
import numpy as np

from demos.animals.world.picture import SUPERSAMPLING, photograph
from demos.animals.world.scenery import PLACES, Scene
from demos.canvas.sketch import Sketch, rotation

from .categories import ToyCategory, exchange

MIN_LABELLED = 4
MAX_TILT = 25.0  # degrees
SHORTEST_SIDE = 0.75  # of a picture, of its longer one
COVER_CHANCE, LANDSCAPE_CHANCE = 0.55, 0.4


@dataclass
class LabelledObject:
    """A picture of one object, in pixels of the picture.

    Args:
        picture: ``[h, w, 3]``, RGB uint8.
        keypoints: ``[K, 3]``, (x, y, 2), or three zeros where covered or not there.
        bbox: x, y, w, h around all of the object, covered or not.
        silhouette: ``[h, w]``, true where the object is, covered or not.
    """

    picture: np.ndarray
    keypoints: np.ndarray
    bbox: Tuple[int, int, int, int]
    silhouette: np.ndarray


def draw_object(category: ToyCategory, size: int, entropy: Sequence[int]) -> LabelledObject:
    """One object before a background, sometimes with something in front of it.

    Args:
        category: which object.
        size: pixels of the longer side; the other one has 75 to 100 percent of it, as the object needs.
        entropy: numbers that decide everything else.
    """
    for attempt in count():
        rngs = [np.random.default_rng(seed) for seed in np.random.SeedSequence([*entropy, attempt]).spawn(3)]
        sketch, canvas_size = _pose(category, SUPERSAMPLING * size, rngs[0])
        if not _is_upright(sketch.points, category):
            continue
        drawn = _draw(category, sketch, canvas_size, *rngs)
        if (drawn.keypoints[:, 2] > 0).sum() >= MIN_LABELLED:
            return drawn


def _pose(category: ToyCategory, longest: int, rng: np.random.Generator) -> Tuple[Sketch, Tuple[int, int]]:
    """The object on its place on the canvas, and the (w, h) of that."""
    sketch = Sketch(rng)
    category.draw(sketch)
    stretch = np.exp(rng.normal(0, 0.1, 2).clip(-0.25, 0.25))
    if category.faces and rng.random() < 0.5:
        stretch[0] *= -1
    slant = np.array([[1, rng.uniform(-0.25, 0.25)], [0, 1]])
    tilt = rng.uniform(-MAX_TILT, MAX_TILT)
    sketch.move(rotation(tilt) @ slant @ np.diag(stretch))
    low, high = sketch.bounds()
    extent = high - low
    shares = (extent / extent.max()).clip(SHORTEST_SIDE, 1)
    canvas = (SUPERSAMPLING * np.round(longest * shares / SUPERSAMPLING)).astype(int)
    scale = rng.uniform(0.7, 0.93) * (canvas / extent).min()
    room = canvas - scale * extent
    sketch.place(scale, rng.uniform(0.15, 0.85, 2) * room - scale * low)
    return sketch, (int(canvas[0]), int(canvas[1]))


def _is_upright(points: Dict[str, np.ndarray], category: ToyCategory) -> bool:
    """Left is left of right in the picture and, unless the object is seen from its side, far and top are higher."""
    rules = [('left', 'right', 0)]
    if not category.faces:
        rules += [('far', 'near', 1), ('top', 'bottom', 1)]
    partners = [
        (points[name][axis], points[exchange(name, first, second)][axis])
        for first, second, axis in rules
        for name in points
        if first in name.split() and exchange(name, first, second) in points
    ]
    return all(first + 2 * SUPERSAMPLING < second for first, second in partners)


def _draw(
    category: ToyCategory,
    sketch: Sketch,
    size: Tuple[int, int],
    rng: np.random.Generator,
    scene_rng: np.random.Generator,
    photo_rng: np.random.Generator,
) -> LabelledObject:
    canvas = _backdrop(size, scene_rng)
    layer = np.zeros((size[1], size[0], 4), np.uint8)
    sketch.paint(layer, SUPERSAMPLING * rng.uniform(0.4, 1.3))
    _weave(layer, rng)
    mask = _paste(canvas, layer)
    silhouette = cv2.resize(mask, None, fx=1 / SUPERSAMPLING, fy=1 / SUPERSAMPLING, interpolation=cv2.INTER_AREA) > 127
    layer[:] = 0
    if scene_rng.random() < COVER_CHANCE:
        _something(size, scene_rng, list(sketch.points.values())).paint(layer, SUPERSAMPLING)
    cover = _paste(canvas, layer)

    keypoints = np.zeros((len(category.keypoints), 3))
    for keypoint, name in zip(keypoints, category.keypoints):
        if name not in sketch.points:
            continue
        x, y = np.round(sketch.points[name]).astype(int)
        if 0 <= x < size[0] and 0 <= y < size[1] and not cover[y, x]:
            # a pixel's centre in the picture is the centre of SUPERSAMPLING of the canvas
            keypoint[:2] = np.round((sketch.points[name] + 0.5) / SUPERSAMPLING - 0.5, 2)
            keypoint[2] = 2
    bbox = cv2.boundingRect(silhouette.astype(np.uint8))
    return LabelledObject(photograph(canvas, photo_rng), keypoints, bbox, silhouette)


def _paste(canvas: np.ndarray, layer: np.ndarray) -> np.ndarray:
    """Put a painted layer ``[h, w, 4]`` on a canvas ``[h, w, 3]``; returns its mask ``[h, w]``, 255 where painted."""
    mask = cv2.extractChannel(layer, 3)
    cv2.copyTo(cv2.cvtColor(layer, cv2.COLOR_RGBA2RGB), mask, canvas)
    return mask


def _weave(layer: np.ndarray, rng: np.random.Generator):
    """Light from one side, and sometimes a texture, over the whole object."""
    height, width = layer.shape[:2]
    x, y = np.arange(width, dtype=np.float32) / width, np.arange(height, dtype=np.float32)[:, None] / height
    light = 1 + rng.uniform(-0.25, 0.25) * (x - 0.5) + rng.uniform(-0.1, 0.3) * (0.5 - y)
    kind = rng.integers(4)
    if kind == 0:  # stripes
        across = rotation(rng.uniform(0, 180))[0] * rng.uniform(30, 110)
        light = light + rng.uniform(0.03, 0.1) * np.sin(across[0] * x + across[1] * y).astype(np.float32)
    elif kind == 1:  # blotches
        cells = rng.standard_normal((rng.integers(4, 30), rng.integers(4, 30)), np.float32)
        light = light + rng.uniform(0.03, 0.09) * cv2.resize(cells, (width, height))
    light = light.astype(np.float32)
    cv2.multiply(layer, cv2.merge([light, light, light, np.ones_like(light)]), layer, dtype=cv2.CV_8U)


def _backdrop(size: Tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """A landscape, or a wall and a floor, with things that are not the object."""
    if rng.random() < LANDSCAPE_CHANCE:
        return Scene(size, int(rng.integers(len(PLACES))), rng).paint()
    width, height = size
    colours = Sketch(rng)
    ends = np.array([colours.colour((0.3, 1.0), (0, 0.5)) for _ in range(2)], np.float32)
    canvas = np.empty((height, width, 3), np.uint8)
    canvas[:] = ends[0] + (ends[1] - ends[0]) * np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    if rng.random() < 0.5:
        canvas[int(height * rng.uniform(0.45, 0.8)) :] = colours.colour((0.3, 1.0), (0, 0.5))
    cells = rng.standard_normal((rng.integers(3, 40), rng.integers(3, 40)), np.float32) * rng.uniform(2, 14)
    cv2.add(canvas, cv2.merge([cv2.resize(cells, size)] * 3), canvas, dtype=cv2.CV_8U)
    for _ in range(rng.integers(0, 5)):
        _something(size, rng, rng.uniform(0, 1, (1, 2)) * size).paint(canvas, SUPERSAMPLING)
    return canvas


def _something(size: Tuple[int, int], rng: np.random.Generator, places: Sequence[np.ndarray]) -> Sketch:
    """A disc, a box or a bar, at or near one of ``places``, in pixels of the canvas."""
    sketch = Sketch(rng)
    colour, unit = sketch.colour((0.2, 1.0), (0, 0.9)), max(size)
    centre = places[rng.integers(len(places))] + rng.normal(0, 0.04 * unit, 2)
    kind = rng.integers(3)
    if kind == 0:
        sketch.ellipse(centre, rng.uniform(0.06, 0.15, 2) * unit, colour, rng.uniform(0, 180))
    elif kind == 1:
        turned = rotation(rng.uniform(0, 90)).T
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * rng.uniform(0.06, 0.13, 2) * unit
        sketch.polygon(centre + corners @ turned, colour)
        sketch.polygon(centre + 0.6 * corners @ turned, sketch.colour())
    else:
        reach = rotation(rng.uniform(0, 180))[0] * unit * rng.uniform(0.3, 1.2)
        sketch.tube([centre - reach, centre + reach], np.full(2, rng.uniform(0.03, 0.05) * unit), colour)
    return sketch
