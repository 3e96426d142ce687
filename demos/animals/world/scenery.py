from dataclasses import dataclass
from typing import Tuple

import cv2
import numpy as np

from demos.canvas.tube import Tube, fill_circle, fill_polygon

from .species import Colour


@dataclass(frozen=True)
class Place:
    """Colours of a landscape; the sky's down to the horizon, the ground's from there on."""

    name: str
    sky: Tuple[Colour, Colour]
    ground: Tuple[Colour, Colour]
    plants: Colour
    stone: Colour
    wood: Colour


PLACES = (
    Place(
        'meadow',
        ((110, 168, 220), (206, 226, 236)),
        ((126, 164, 84), (92, 138, 58)),
        (70, 120, 50),
        (140, 138, 132),
        (108, 82, 58),
    ),
    Place(
        'savanna',
        ((150, 190, 220), (240, 222, 186)),
        ((206, 180, 116), (178, 146, 84)),
        (136, 130, 66),
        (150, 130, 108),
        (120, 92, 64),
    ),
    Place(
        'snow',
        ((172, 192, 212), (226, 232, 238)),
        ((226, 232, 240), (198, 208, 222)),
        (92, 112, 104),
        (136, 140, 148),
        (92, 80, 74),
    ),
    Place(
        'forest',
        ((78, 112, 92), (132, 160, 116)),
        ((104, 98, 62), (76, 72, 44)),
        (48, 88, 44),
        (112, 112, 104),
        (84, 62, 46),
    ),
    Place(
        'desert at dusk',
        ((214, 170, 140), (244, 210, 166)),
        ((196, 150, 112), (160, 116, 84)),
        (120, 116, 70),
        (150, 116, 94),
        (116, 84, 62),
    ),
    Place(
        'rocks',
        ((142, 150, 162), (194, 198, 202)),
        ((150, 148, 144), (122, 122, 120)),
        (96, 116, 78),
        (126, 126, 128),
        (104, 90, 78),
    ),
)


class Scene:
    """A landscape, painted on a canvas.

    Args:
        size: (w, h) in pixels.
        place: an index of ``PLACES``.
        rng: draws everything else.
    """

    def __init__(self, size: Tuple[int, int], place: int, rng: np.random.Generator):
        self.width, self.height = size
        self.place = PLACES[place]
        self.rng = rng
        self.horizon = int(self.height * rng.uniform(0.25, 0.6))
        self.canvas = np.empty((self.height, self.width, 3), np.uint8)

    def paint(self) -> np.ndarray:
        """Paints ground, sky, and things that are not animals; returns the canvas ``[h, w, 3]``, RGB."""
        self._paint_gradient(0, self.horizon, *self.place.sky)
        self._paint_hills()
        self._paint_gradient(self.horizon, self.height, *self.place.ground)
        self._paint_texture()
        things = self._paint_stone, self._paint_branch, self._paint_bush
        spots = [self._spot_on_ground() for _ in range(self.rng.integers(2, 7))]
        for spot in sorted(spots, key=lambda spot: spot[1]):
            nearness = (spot[1] - self.horizon) / (self.height - self.horizon)
            size = self.height * self.rng.uniform(0.05, 0.13) * (0.35 + 0.65 * nearness)
            things[self.rng.integers(len(things))](spot, size)
        self._paint_grass(int(self.rng.uniform(40, 160)))
        return self.canvas

    def cover(self, left: float, top: float, right: float, bottom: float) -> np.ndarray:
        """Paints something in front of this box; returns its mask ``[h, w]``, 255 where it covers."""
        mask = np.zeros((self.height, self.width), np.uint8)
        width, height = right - left, bottom - top
        foot = np.array([self.rng.uniform(left, right), bottom + 0.04 * height])
        kind = self.rng.integers(3)
        if kind == 0:
            self._paint_bush(foot, height * self.rng.uniform(0.12, 0.22), mask)
        elif kind == 1:
            self._paint_stone(foot, height * self.rng.uniform(0.14, 0.24), mask)
        else:
            self._paint_fence(foot, max(width, height), mask)
        return mask

    def _vary(self, colour: Colour, spread: float = 12.0) -> Colour:
        change = self.rng.normal(0, spread) + self.rng.normal(0, 0.4 * spread, 3)
        return tuple(np.clip(colour + change, 0, 255).astype(int).tolist())

    def _spot_on_ground(self) -> np.ndarray:
        return np.array([self.rng.uniform(0, self.width), self.rng.uniform(self.horizon, self.height)])

    def _paint_gradient(self, top: int, bottom: int, first: Colour, last: Colour):
        mix = np.linspace(0, 1, bottom - top)[:, None, None]
        first, last = np.array(self._vary(first)), np.array(self._vary(last))
        self.canvas[top:bottom] = first + (last - first) * mix

    def _paint_hills(self):
        across = np.linspace(0, self.width, 40)
        for nearness in (0.25, 0.6):
            waves = sum(
                np.sin(across / self.width * self.rng.uniform(2, 14) + self.rng.uniform(0, 6)) for _ in range(3)
            )
            heights = self.horizon - self.height * (0.06 * (1.2 - nearness) * (waves + 1.5))
            colour = (1 - nearness) * np.array(self.place.sky[1]) + nearness * np.array(self.place.plants)
            foot = [[self.width, self.horizon], [0, self.horizon]]
            outline = np.concatenate([np.stack([across, heights], axis=1), foot])
            fill_polygon(self.canvas, outline, self._vary(colour))

    def _paint_texture(self):
        """Light and dark over the picture, coarse to fine, stronger on the ground."""
        noise = np.zeros((self.height, self.width), np.float32)
        for cells, strength in ((6, 9.0), (24, 7.0), (90, 6.0)):
            grid = self.rng.standard_normal((cells, cells), np.float32) * strength
            noise += cv2.resize(grid, (self.width, self.height), interpolation=cv2.INTER_LINEAR)
        noise[: self.horizon] *= 0.4
        cv2.add(self.canvas, cv2.merge([noise] * 3), self.canvas, dtype=cv2.CV_8U)

    def _paint_grass(self, count: int):
        colours = [self._vary(colour, 16) for colour in 6 * [self.place.plants] + 4 * [self.place.ground[0]]]
        roots = self.rng.uniform([0, self.horizon], [self.width, self.height], (count, 2))
        lengths = self.height * self.rng.uniform(0.02, 0.07, count)
        tips = roots + np.stack([self.rng.normal(0, 0.4, count) * lengths, -lengths], axis=1)
        for i, (root, tip) in enumerate(zip(roots.astype(int).tolist(), tips.astype(int).tolist())):
            cv2.line(self.canvas, root, tip, colours[i % len(colours)], 2, cv2.LINE_AA)

    def _paint_stone(self, foot: np.ndarray, size: float, *masks: np.ndarray):
        angles = np.linspace(0, 2 * np.pi, 11)[:-1]
        corners = np.stack([1.35 * np.cos(angles), np.sin(angles)], axis=1)
        corners *= size * self.rng.uniform(0.8, 1.1, (10, 1))
        centre = foot - [0, 0.6 * size]
        colour = self._vary(self.place.stone)
        fill_polygon(self.canvas, centre + corners, tuple(int(0.72 * c) for c in colour))
        fill_polygon(self.canvas, centre - 0.1 * size + 0.78 * corners, colour)
        for mask in masks:
            fill_polygon(mask, centre + corners, 255)

    def _paint_bush(self, foot: np.ndarray, size: float, *masks: np.ndarray):
        for centre in foot + self.rng.normal(0, 1, (26, 2)) * [0.75 * size, 0.42 * size] - [0, 0.8 * size]:
            radius = size * self.rng.uniform(0.18, 0.36)
            colour = self._vary(self.place.plants, 14)
            fill_circle(self.canvas, centre, radius, tuple(int(0.8 * c) for c in colour))
            fill_circle(self.canvas, centre - 0.2 * radius, 0.62 * radius, colour)
            for mask in masks:
                fill_circle(mask, centre, radius, 255)

    def _paint_branch(self, foot: np.ndarray, size: float):
        """Dead wood, as long and bent as a leg."""
        steps = self.rng.normal(0, 0.5, (3, 2)) * size + [self.rng.normal(0, 1.2) * size, -size]
        points = foot + np.concatenate([np.zeros((1, 2)), np.cumsum(steps, axis=0)])
        wood = Tube(points, size * self.rng.uniform(0.12, 0.25) * np.array([1, 0.8, 0.6, 0.4]))
        wood.fill(self.canvas, self._vary(self.place.wood, 20))

    def _paint_fence(self, foot: np.ndarray, size: float, mask: np.ndarray):
        """Posts and a rail, thin enough to see the animal behind."""
        colour, thickness = self._vary(self.place.wood), self.height * self.rng.uniform(0.012, 0.022)
        gap = size * self.rng.uniform(0.3, 0.5)
        posts = foot[0] + gap * np.arange(-2, 3)
        top, rail = foot[1] - size * self.rng.uniform(0.3, 0.55), foot[1] - size * self.rng.uniform(0.12, 0.28)
        ends = [((x, foot[1]), (x, top)) for x in posts]
        ends.append(((posts[0] - gap / 2, rail), (posts[-1] + gap / 2, rail)))
        for start, end in ends:
            bar = Tube([start, end], [thickness, thickness])
            bar.fill(self.canvas, tuple(int(0.7 * c) for c in colour))
            Tube(bar.centres - 0.25 * thickness, 0.5 * bar.radii).fill(self.canvas, colour)
            bar.fill(mask, 255)
