from typing import Sequence, Tuple, Union

import cv2
import numpy as np

Paint = Union[int, Sequence[int]]  # a value of a mask, or RGB

CIRCLE = np.stack([np.cos(np.arange(24) * np.pi / 12), np.sin(np.arange(24) * np.pi / 12)], axis=1)
SHIFT = 3  # fractional bits of the coordinates given to OpenCV


class Tube:
    """A round part: the area that a circle covers as it moves along a line and changes its radius.

    Args:
        centers: ``[N, 2]``, pixels.
        radii: ``[N]``, pixels.
    """

    def __init__(self, centers: np.ndarray, radii: np.ndarray):
        self.centers = np.asarray(centers, float)
        self.radii = np.asarray(radii, float)
        steps = np.linalg.norm(np.diff(self.centers, axis=0), axis=1)
        self.length = float(steps.sum())
        self._positions = np.concatenate([[0.0], np.cumsum(steps)]) / max(self.length, 1e-6)

    def between(self, start: float, end: float) -> 'Tube':
        """The piece from ``start`` to ``end``, fractions of the length."""
        inner = self._positions[(self._positions > start) & (self._positions < end)]
        places = np.concatenate([[start], inner, [end]])
        return Tube(self._along(places), np.interp(places, self._positions, self.radii))

    def at(self, along: Union[float, np.ndarray], across: Union[float, np.ndarray]) -> np.ndarray:
        """Pixels ``[..., 2]`` on the surface: ``along`` from 0 to 1, ``across`` from -1 (lower edge) to 1."""
        along, across = np.broadcast_arrays(along, across)
        tangent = self._along(along + 0.03) - self._along(along - 0.03)
        normal = np.stack([tangent[..., 1], -tangent[..., 0]], axis=-1)
        normal /= np.linalg.norm(normal, axis=-1, keepdims=True) + 1e-6
        # the upper edge is on the upper side of the tube, whichever way it runs
        upwards = 1.0 if self.centers[-1, 0] >= self.centers[0, 0] else -1.0
        radius = np.interp(along, self._positions, self.radii)
        return self._along(along) + (upwards * across * radius)[..., None] * normal

    def fill(self, image: np.ndarray, color: Paint):
        """Paint the area."""
        for i in range(len(self.centers) - 1):
            rims = self.centers[i : i + 2, None] + self.radii[i : i + 2, None, None] * CIRCLE
            fill_polygon(image, cv2.convexHull(rims.reshape(-1, 2).astype(np.float32))[:, 0], color)

    def _along(self, places: np.ndarray) -> np.ndarray:
        x, y = (np.interp(places, self._positions, self.centers[:, axis]) for axis in (0, 1))
        return np.stack([x, y], axis=-1)


def smooth(points: np.ndarray) -> np.ndarray:
    """A line ``[N, D]`` with its corners cut (Chaikin, twice); the ends stay."""
    for _ in range(2):
        start, end = points[:-1], points[1:]
        cut = np.stack([0.75 * start + 0.25 * end, 0.25 * start + 0.75 * end], axis=1)
        points = np.concatenate([points[:1], cut.reshape(-1, points.shape[1])[1:-1], points[-1:]])
    return points


def fill_polygon(image: np.ndarray, points: np.ndarray, color: Paint):
    """Paint a polygon ``[N, 2]`` with fractional pixels; a fourth channel of the image becomes 255."""
    cv2.fillPoly(image, [fixed_point(points)], color if np.isscalar(color) else (*color, 255), shift=SHIFT)


def fill_circle(image: np.ndarray, center: np.ndarray, radius: float, color: Paint):
    """Paint a circle with fractional pixels."""
    fill_polygon(image, center + radius * CIRCLE, color)


def fixed_point(points: np.ndarray) -> np.ndarray:
    """Coordinates for OpenCV with ``shift=SHIFT``."""
    return np.round(points * (1 << SHIFT)).astype(np.int32)


def bounds(points: np.ndarray, radii: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """The lowest and the highest (x, y) of a tube or, with radii of zero, of a polygon."""
    return (points - radii[:, None]).min(axis=0), (points + radii[:, None]).max(axis=0)
