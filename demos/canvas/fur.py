from dataclasses import dataclass
from typing import Optional, Tuple

import cv2
import numpy as np

from .colors import Color, shade
from .tube import Tube, bounds, fill_circle, fill_polygon

OUTLINE_SHADE = 0.72  # against the background
CREASE_SHADE = 0.88  # against another part of the same animal


@dataclass(frozen=True)
class Fur:
    """How a round part of an animal is painted: lit from above, with a dark outline.

    Args:
        light: 1, or less on the far side.
        belly: the color of the lower side, if different.
        marks: patterns on pieces of the part: (start, end, name in ``PATTERNS``, color), start and end as fractions of
            the length.
    """

    light: float = 1.0
    belly: Optional[Color] = None
    marks: Tuple[Tuple[float, float, str, Color], ...] = ()


def paint_fur(layer: np.ndarray, part: Tube, color: Color, fur: Fur, unit: float, rng: np.random.Generator):
    """Paint a part on a layer ``[H, W, 4]`` with the parts behind it; ``unit``: pixels per trunk length."""
    height, width = layer.shape[:2]
    low, high = bounds(part.centers, part.radii)
    left, top = np.maximum(np.floor(low).astype(int) - 1, 0)
    right, bottom = np.minimum(np.ceil(high).astype(int) + 2, (width, height))
    if left >= right or top >= bottom:
        return
    part = Tube(part.centers - (left, top), part.radii)
    inside = np.zeros((bottom - top, right - left), np.uint8)
    part.fill(inside, 255)
    below, above = (_open_ratio(inside, max(3, int(1.3 * part.radii.max())), down) for down in (True, False))
    painted = np.empty((*inside.shape, 3), np.uint8)
    painted[:] = color
    if fur.belly is not None:
        paleness = np.clip(1.15 - 1.6 * below, 0, 1)[..., None]
        painted = (painted + (np.array(fur.belly, np.float32) - painted) * paleness).astype(np.uint8)
    for start, end, pattern, mark in fur.marks:
        PATTERNS[pattern](painted, part.between(start, end), mark, unit, rng)
    light = fur.light * (0.83 + 0.25 * below - 0.06 * above)
    rim = cv2.erode(inside, np.ones((3, 3), np.uint8), borderValue=255) == 0
    behind = layer[top:bottom, left:right]
    light[rim] *= np.where(behind[rim][:, 3] > 0, CREASE_SHADE, OUTLINE_SHADE)
    painted = np.clip(painted * light[..., None], 0, 255).astype(np.uint8)
    cv2.copyTo(cv2.merge([painted, inside]), inside, behind)


def _open_ratio(inside: np.ndarray, depth: int, downwards: bool) -> np.ndarray:
    """The share of the next ``depth`` pixels below (or above) each pixel that is inside, 0 to 1."""
    anchor = (0, 0) if downwards else (0, depth - 1)
    ratio = inside.astype(np.float32) / 255
    return cv2.blur(ratio, (1, depth), anchor=anchor, borderType=cv2.BORDER_REPLICATE)


def plain(fur: np.ndarray, part: Tube, color: Color, unit: float, rng: np.random.Generator):
    """No pattern."""


def solid(fur: np.ndarray, part: Tube, color: Color, unit: float, rng: np.random.Generator):
    """Another color all over."""
    part.fill(fur, color)


def rosettes(fur: np.ndarray, part: Tube, color: Color, unit: float, rng: np.random.Generator):
    """A leopard's: rings on the trunk, dots where a part is thin."""
    size = min(0.043 * unit, 0.3 * part.radii.mean())
    count = int(0.3 * part.length * part.radii.mean() / size**2)
    # a jittered lattice, so that the rings do not overlap
    places = (np.arange(count)[:, None] * [0.5698403, 0.7548777] + rng.uniform(-0.03, 0.03, (count, 2))) % 1
    for center in part.at(places[:, 0], 2 * places[:, 1] - 1):
        radius = size * rng.uniform(0.7, 1.1)
        inside = fur[tuple(np.clip(center[::-1].astype(int), 0, np.array(fur.shape[:2]) - 1))].tolist()
        fill_circle(fur, center, radius, color)
        if radius > 0.03 * unit:
            fill_circle(fur, center + rng.normal(0, 0.12 * radius, 2), 0.52 * radius, shade(inside, 0.86))


def stripes(fur: np.ndarray, part: Tube, color: Color, unit: float, rng: np.random.Generator):
    """A tiger's: from the upper edge down, tapering."""
    count = max(2, round(part.length / (0.115 * unit)))
    for place in (np.arange(count) + rng.uniform(0.25, 0.75, count)) / count:
        across = np.linspace(1.1, rng.uniform(-0.75, 0.1), 7)
        sway = 0.05 * unit / max(part.length, 1) * rng.normal() * np.sin(np.linspace(0, 2.5, 7))
        width = rng.uniform(0.02, 0.034) * unit / max(part.length, 1) * np.linspace(1, 0.1, 7) ** 0.6
        edges = [part.at(place + sway + sign * width, across) for sign in (1, -1)]
        fill_polygon(fur, np.concatenate([edges[0], edges[1][::-1]]), color)


def patches(fur: np.ndarray, part: Tube, color: Color, unit: float, rng: np.random.Generator):
    """A cow's: a few large blotches."""
    for _ in range(max(1, round(4 * part.length / unit))):
        center = part.at(rng.random(), rng.uniform(-0.6, 1.0))
        size = rng.uniform(0.4, 0.75) * part.radii.mean()
        angles = np.linspace(0, 2 * np.pi, 25)[:-1]
        lobes = 1 + sum(depth * np.sin(number * angles + rng.uniform(0, 6)) for number, depth in ((2, 0.22), (5, 0.12)))
        outline = (size * lobes)[:, None] * np.stack([1.3 * np.cos(angles), np.sin(angles)], axis=1)
        fill_polygon(fur, center + outline, color)


def mantle(fur: np.ndarray, part: Tube, color: Color, unit: float, rng: np.random.Generator):
    """A wolf's: dark along the back, with a ragged edge; thin parts stay plain."""
    if part.radii.mean() > 0.1 * unit:
        places = np.linspace(0, 1, 40)
        waves = 0.25 * np.sin(np.pi * places) * np.sin(7 * places + rng.uniform(0, 6))
        ragged = 0.3 + waves + rng.uniform(-0.12, 0.12, 40)
        fill_polygon(fur, np.concatenate([part.at(places, 1.3), part.at(places, ragged)[::-1]]), color)


def band(fur: np.ndarray, part: Tube, color: Color, unit: float, rng: np.random.Generator):
    """A gazelle's: one dark line along the flank; thin parts stay plain."""
    if part.radii.mean() > 0.1 * unit:
        places = np.linspace(0.18, 0.62, 20)
        half = 0.13 * np.sin(np.linspace(0, np.pi, 20)) ** 0.5
        middle = -0.35 + 0.05 * rng.normal()
        fill_polygon(fur, np.concatenate([part.at(places, middle + half), part.at(places, middle - half)[::-1]]), color)


def wool(fur: np.ndarray, part: Tube, color: Color, unit: float, rng: np.random.Generator):
    """A sheep's: curls all over."""
    if part.radii.mean() > 0.1 * unit:
        count = int(150 * part.length * part.radii.mean() / unit**2)
        for center in part.at(rng.random(count), rng.uniform(-1, 1, count)):
            radius = rng.uniform(0.03, 0.05) * unit
            fill_circle(fur, center, radius, color)
            fill_circle(fur, center - [0, 0.3 * radius], 0.9 * radius, shade(color, rng.uniform(1.06, 1.19)))


PATTERNS = {pattern.__name__: pattern for pattern in (plain, solid, rosettes, stripes, patches, mantle, band, wool)}
