from dataclasses import dataclass
from itertools import count
from typing import Dict, Sequence, Tuple

import cv2
import numpy as np

from demos.canvas.colors import any_color
from demos.canvas.photo import SUPERSAMPLING, generators, new_layer, paste, photograph, shrink, visible_points
from demos.canvas.scenery import backdrop, clutter, noise
from demos.canvas.sketch import Sketch, rotation

from .categories import ToyCategory, exchange

MIN_LABELED = 4
MAX_TILT = 25.0  # degrees
SHORTEST_SIDE = 0.75  # of an image, relative to its longer side
COVER_CHANCE = 0.55


@dataclass
class LabeledObject:
    """An image of one object; coordinates are pixels of the image."""

    image: np.ndarray  # [h, w, 3], RGB uint8
    keypoints: np.ndarray  # [K, 3], (x, y, 2), or three zeros if covered or missing
    bbox: Tuple[int, int, int, int]  # x, y, w, h around the object, covered parts included
    silhouette: np.ndarray  # [h, w], true on the object, covered parts included


def draw_object(category: ToyCategory, size: int, entropy: Sequence[int]) -> LabeledObject:
    """One object on a background, sometimes with a distractor in front of it.

    The longer side of the image has ``size`` pixels, the shorter one 75 to 100 percent of that, to fit the object; the
    numbers ``entropy`` decide everything else.
    """
    for attempt in count():
        rng, scene_rng, photo_rng = generators(*entropy, attempt)
        sketch, canvas_size = _pose(category, SUPERSAMPLING * size, rng)
        if not _is_upright(sketch.points, category):
            continue
        drawn = _draw(category, sketch, canvas_size, rng, scene_rng, photo_rng)
        if (drawn.keypoints[:, 2] > 0).sum() >= MIN_LABELED:
            return drawn


def _pose(category: ToyCategory, longest: int, rng: np.random.Generator) -> Tuple[Sketch, Tuple[int, int]]:
    """The object at its place on the canvas, and (w, h) of the canvas."""
    sketch = Sketch(rng)
    category.draw(sketch)
    stretch = np.exp(rng.normal(0, 0.1, 2).clip(-0.25, 0.25))
    if category.faces and rng.random() < 0.5:
        stretch[0] *= -1
    slant = np.array([[1, rng.uniform(-0.25, 0.25)], [0, 1]])
    sketch.move(rotation(rng.uniform(-MAX_TILT, MAX_TILT)) @ slant @ np.diag(stretch))
    low, high = sketch.bounds()
    extent = high - low
    shares = (extent / extent.max()).clip(SHORTEST_SIDE, 1)
    canvas = (SUPERSAMPLING * np.round(longest * shares / SUPERSAMPLING)).astype(int)
    scale = rng.uniform(0.7, 0.93) * (canvas / extent).min()
    room = canvas - scale * extent
    sketch.place(scale, rng.uniform(0.15, 0.85, 2) * room - scale * low)
    return sketch, (int(canvas[0]), int(canvas[1]))


def _is_upright(points: Dict[str, np.ndarray], category: ToyCategory) -> bool:
    """Whether left is left of right in the image and, unless ``category.faces``, far and top are higher."""
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


def _draw(category: ToyCategory, sketch: Sketch, size: tuple, rng, scene_rng, photo_rng) -> LabeledObject:
    canvas = backdrop(size, scene_rng)
    for _ in range(scene_rng.integers(0, 5)):
        _distractor(scene_rng, size, scene_rng.uniform(0, 1, (1, 2)) * size).paint(canvas, SUPERSAMPLING)
    layer = new_layer(canvas)
    sketch.paint(layer, SUPERSAMPLING * rng.uniform(0.4, 1.3))
    _add_texture(layer, rng)
    silhouette = shrink(paste(canvas, layer)) > 127
    layer[:] = 0
    if scene_rng.random() < COVER_CHANCE:
        _distractor(scene_rng, size, list(sketch.points.values())).paint(layer, SUPERSAMPLING)
    keypoints = visible_points(sketch, category.keypoints, paste(canvas, layer))
    bbox = cv2.boundingRect(silhouette.astype(np.uint8))
    return LabeledObject(photograph(canvas, photo_rng), keypoints, bbox, silhouette)


def _add_texture(layer: np.ndarray, rng: np.random.Generator):
    """Light the object from one side, sometimes with a texture."""
    height, width = layer.shape[:2]
    x, y = np.arange(width, dtype=np.float32) / width, np.arange(height, dtype=np.float32)[:, None] / height
    light = 1 + rng.uniform(-0.25, 0.25) * (x - 0.5) + rng.uniform(-0.1, 0.3) * (0.5 - y)
    kind = rng.integers(4)
    if kind == 0:  # stripes
        across = rotation(rng.uniform(0, 180))[0] * rng.uniform(30, 110)
        light = light + rng.uniform(0.03, 0.1) * np.sin(across[0] * x + across[1] * y)
    elif kind == 1:  # blotches
        light = light + noise((width, height), rng.integers(4, 30, 2), rng.uniform(0.03, 0.09), rng)
    light = light.astype(np.float32)
    cv2.multiply(layer, cv2.merge([light, light, light, np.ones_like(light)]), layer, dtype=cv2.CV_8U)


def _distractor(rng: np.random.Generator, size: Tuple[int, int], places: Sequence[np.ndarray]) -> Sketch:
    """A distractor near one of ``places``, pixels of the canvas."""
    unit = max(size)
    place = places[rng.integers(len(places))] + rng.normal(0, 0.04 * unit, 2)
    thing = clutter(rng, any_color(rng, (0.2, 1.0), (0, 0.9)), any_color(rng))
    thing.place(unit, place)
    return thing
