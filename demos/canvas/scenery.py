from collections import namedtuple
from typing import Optional, Sequence, Tuple

import cv2
import numpy as np

from .colors import Color, any_color, from_hex, shade, vary
from .sketch import SQUARE, Sketch, rotation
from .tube import Tube, fill_circle, fill_polygon

ROOM_COLORS = (0.3, 1.0), (0.0, 0.5)  # values, saturations


# colors of a landscape: sky and ground from top to bottom, then the things in it
Place = namedtuple('Place', 'sky_top sky ground ground_near plants stone wood')
PLACES = tuple(
    Place(*from_hex(colors))
    for colors in (
        '6ea8dc cee2ec 7ea454 5c8a3a 467832 8c8a84 6c523a',  # meadow
        '96bedc f0deba ceb474 b29254 888242 96826c 785c40',  # savanna
        'acc0d4 e2e8ee e2e8f0 c6d0de 5c7068 888c94 5c504a',  # snow
        '4e705c 84a074 68623e 4c482c 30582c 707068 543e2e',  # forest
        'd6aa8c f4d2a6 c49670 a07454 787446 96745e 74543e',  # desert at dusk
        '8e96a2 c2c6ca 969490 7a7a78 60744e 7e7e80 685a4e',  # rocks
    )
)


class Scene:
    """A landscape, painted on a canvas.

    Args:
        size: (w, h) in pixels.
        place: an index of ``PLACES``.
        rng: decides everything else.
    """

    def __init__(self, size: Tuple[int, int], place: int, rng: np.random.Generator):
        self.width, self.height = size
        self.place = PLACES[place]
        self.rng = rng
        self.horizon = int(self.height * rng.uniform(0.25, 0.6))
        self.canvas = np.empty((self.height, self.width, 3), np.uint8)

    def paint(self) -> np.ndarray:
        """Paint sky, ground, stones, branches and bushes; returns the canvas ``[h, w, 3]``, RGB."""
        ends = [vary(color, self.rng) for color in (self.place.sky_top, self.place.sky)]
        paint_gradient(self.canvas[: self.horizon], *ends)
        self._paint_hills()
        ends = [vary(color, self.rng) for color in (self.place.ground, self.place.ground_near)]
        paint_gradient(self.canvas[self.horizon :], *ends)
        self._paint_texture()
        things = self._paint_stone, self._paint_branch, self._paint_bush
        spots = self.rng.uniform([0, self.horizon], [self.width, self.height], (self.rng.integers(2, 7), 2))
        for spot in sorted(spots, key=lambda spot: spot[1]):
            nearness = (spot[1] - self.horizon) / (self.height - self.horizon)
            size = self.height * self.rng.uniform(0.05, 0.13) * (0.35 + 0.65 * nearness)
            things[self.rng.integers(len(things))](self.canvas, spot, size)
        self._paint_grass(int(self.rng.uniform(40, 160)))
        return self.canvas

    def cover(self, layer: np.ndarray, left: float, top: float, right: float, bottom: float):
        """Paint a plant, a stone or a branch in front of this box on an empty layer ``[h, w, 4]``."""
        height = bottom - top
        foot = np.array([self.rng.uniform(left, right), bottom + 0.04 * height])
        things = self._paint_bush, self._paint_stone, self._paint_branch
        things[self.rng.integers(3)](layer, foot, height * self.rng.uniform(0.13, 0.24))

    def _paint_hills(self):
        across = np.linspace(0, self.width, 40)
        for nearness in (0.25, 0.6):
            scaled = across / self.width
            waves = sum(np.sin(scaled * self.rng.uniform(2, 14) + self.rng.uniform(0, 6)) for _ in range(3))
            heights = self.horizon - self.height * (0.06 * (1.2 - nearness) * (waves + 1.5))
            color = (1 - nearness) * np.array(self.place.sky) + nearness * np.array(self.place.plants)
            foot = [[self.width, self.horizon], [0, self.horizon]]
            outline = np.concatenate([np.stack([across, heights], axis=1), foot])
            fill_polygon(self.canvas, outline, vary(color, self.rng))

    def _paint_texture(self):
        """Random brightness, coarse to fine, stronger on the ground."""
        size = self.width, self.height
        light = sum(noise(size, (n, n), strength, self.rng) for n, strength in ((6, 9.0), (24, 7.0), (90, 6.0)))
        light[: self.horizon] *= 0.4
        lighten(self.canvas, light)

    def _paint_grass(self, count: int):
        colors = [vary(color, self.rng, 16) for color in 6 * [self.place.plants] + 4 * [self.place.ground]]
        roots = self.rng.uniform([0, self.horizon], [self.width, self.height], (count, 2))
        lengths = self.height * self.rng.uniform(0.02, 0.07, count)
        tips = roots + np.stack([self.rng.normal(0, 0.4, count) * lengths, -lengths], axis=1)
        for i, (root, tip) in enumerate(zip(roots.astype(int).tolist(), tips.astype(int).tolist())):
            cv2.line(self.canvas, root, tip, colors[i % len(colors)], 2, cv2.LINE_AA)

    def _paint_stone(self, canvas: np.ndarray, foot: np.ndarray, size: float):
        angles = np.linspace(0, 2 * np.pi, 11)[:-1]
        corners = np.stack([1.35 * np.cos(angles), np.sin(angles)], axis=1)
        corners *= size * self.rng.uniform(0.8, 1.1, (10, 1))
        center = foot - [0, 0.6 * size]
        color = vary(self.place.stone, self.rng)
        fill_polygon(canvas, center + corners, shade(color, 0.72))
        fill_polygon(canvas, center - 0.1 * size + 0.78 * corners, color)

    def _paint_bush(self, canvas: np.ndarray, foot: np.ndarray, size: float):
        for center in foot + self.rng.normal(0, 1, (26, 2)) * [0.75 * size, 0.42 * size] - [0, 0.8 * size]:
            radius = size * self.rng.uniform(0.18, 0.36)
            color = vary(self.place.plants, self.rng, 14)
            fill_circle(canvas, center, radius, shade(color, 0.8))
            fill_circle(canvas, center - 0.2 * radius, 0.62 * radius, color)

    def _paint_branch(self, canvas: np.ndarray, foot: np.ndarray, size: float):
        """Dead wood, about as long and bent as a leg."""
        steps = self.rng.normal(0, 0.5, (3, 2)) * size + [self.rng.normal(0, 1.2) * size, -size]
        points = foot + np.concatenate([np.zeros((1, 2)), np.cumsum(steps, axis=0)])
        wood = Tube(points, size * self.rng.uniform(0.12, 0.25) * np.array([1, 0.8, 0.6, 0.4]))
        wood.fill(canvas, vary(self.place.wood, self.rng, 20))


def backdrop(size: Tuple[int, int], rng: np.random.Generator, landscape_chance: float = 0.4) -> np.ndarray:
    """A canvas ``[h, w, 3]`` of this (w, h): a landscape, or a wall and a floor."""
    if rng.random() < landscape_chance:
        return Scene(size, int(rng.integers(len(PLACES))), rng).paint()
    width, height = size
    canvas = np.empty((height, width, 3), np.uint8)
    paint_gradient(canvas, any_color(rng, *ROOM_COLORS), any_color(rng, *ROOM_COLORS))
    if rng.random() < 0.7:
        canvas[int(height * rng.uniform(0.45, 0.85)) :] = any_color(rng, *ROOM_COLORS)
    lighten(canvas, noise(size, rng.integers(3, 40, 2), rng.uniform(2, 14), rng))
    return canvas


def clutter(rng: np.random.Generator, color: Color, second: Optional[Color] = None) -> Sketch:
    """A disc, a board or a bar, as a distractor."""
    sketch, kind = Sketch(rng), rng.integers(3)
    if kind == 0:
        sketch.ellipse((0, 0), rng.uniform(0.06, 0.15, 2), color)
    elif kind == 1:
        corners = SQUARE * rng.uniform(0.06, 0.14, 2)
        sketch.polygon(corners, color)
        sketch.polygon(0.6 * corners, second or color)
    else:
        reach = rng.uniform(0.3, 1.2)
        sketch.tube([[0, -reach], [0, reach]], rng.uniform(0.03, 0.05), color)
    sketch.move(rotation(rng.uniform(0, 180)))
    return sketch


def noise(size: Tuple[int, int], cells: Sequence[int], strength: float, rng: np.random.Generator) -> np.ndarray:
    """Random brightness ``[h, w]`` on a grid of this many cells, interpolated."""
    return cv2.resize(rng.standard_normal(tuple(cells), np.float32) * np.float32(strength), size)


def lighten(canvas: np.ndarray, light: np.ndarray):
    """Add ``light [h, w]`` to all channels of ``canvas [h, w, 3]``."""
    cv2.add(canvas, cv2.merge([light] * 3), canvas, dtype=cv2.CV_8U)


def paint_gradient(canvas: np.ndarray, first: Color, last: Color):
    """Fill ``[h, w, 3]`` with a gradient from one color at the top to another at the bottom."""
    first, last = np.array(first, float), np.array(last, float)
    canvas[:] = first + (last - first) * np.linspace(0, 1, len(canvas))[:, None, None]
