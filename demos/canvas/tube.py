from typing import Sequence, Tuple, Union

import cv2
import numpy as np

Paint = Union[int, Sequence[int]]  # of a mask, or RGB

CIRCLE = np.stack([np.cos(np.arange(24) * np.pi / 12), np.sin(np.arange(24) * np.pi / 12)], axis=1)
SHIFT = 3  # fractional bits of the coordinates given to OpenCV


class Tube:
    """A round body part in the picture: what a circle sweeps that moves along a line and changes its radius.

    Args:
        centres: ``[N, 2]``, pixels.
        radii: ``[N]``, pixels.
    """

    def __init__(self, centres: np.ndarray, radii: np.ndarray):
        self.centres = np.asarray(centres, float)
        self.radii = np.asarray(radii, float)
        steps = np.linalg.norm(np.diff(self.centres, axis=0), axis=1)
        self.length = float(steps.sum())
        self._positions = np.concatenate([[0.0], np.cumsum(steps)]) / max(self.length, 1e-6)

    def smooth(self) -> 'Tube':
        """The same tube with its corners cut, ends kept (Chaikin, twice)."""
        points = np.column_stack([self.centres, self.radii])
        for _ in range(2):
            start, end = points[:-1], points[1:]
            cut = np.stack([0.75 * start + 0.25 * end, 0.25 * start + 0.75 * end], axis=1)
            points = np.concatenate([points[:1], cut.reshape(-1, 3)[1:-1], points[-1:]])
        return Tube(points[:, :2], points[:, 2])

    def shifted(self, offset: Tuple[int, int]) -> 'Tube':
        """The tube in a picture whose corner lies at pixel ``offset`` (x, y) of this one."""
        return Tube(self.centres - offset, self.radii)

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
        # the upper edge is the one on the upper side of the whole tube, whichever way it runs
        upwards = 1.0 if self.centres[-1, 0] >= self.centres[0, 0] else -1.0
        radius = np.interp(along, self._positions, self.radii)
        return self._along(along) + (upwards * across * radius)[..., None] * normal

    def bounds(self) -> Tuple[int, int, int, int]:
        """Pixels left, top, right, bottom; the last two exclusive."""
        low = np.floor((self.centres - self.radii[:, None]).min(axis=0)).astype(int)
        high = np.ceil((self.centres + self.radii[:, None]).max(axis=0)).astype(int)
        return low[0] - 1, low[1] - 1, high[0] + 2, high[1] + 2

    def fill(self, picture: np.ndarray, colour: Paint):
        """Paints the area."""
        for i in range(len(self.centres) - 1):
            rims = self.centres[i : i + 2, None] + self.radii[i : i + 2, None, None] * CIRCLE
            fill_polygon(picture, cv2.convexHull(rims.reshape(-1, 2).astype(np.float32))[:, 0], colour)

    def _along(self, places: np.ndarray) -> np.ndarray:
        x, y = (np.interp(places, self._positions, self.centres[:, axis]) for axis in (0, 1))
        return np.stack([x, y], axis=-1)


def fill_polygon(picture: np.ndarray, points: np.ndarray, colour: Paint):
    """Paints a polygon ``[N, 2]`` with fractional pixels."""
    cv2.fillPoly(picture, [np.round(points * (1 << SHIFT)).astype(np.int32)], colour, shift=SHIFT)


def fill_circle(picture: np.ndarray, centre: np.ndarray, radius: float, colour: Paint):
    """Paints a circle with fractional pixels."""
    x, y, r = np.round(np.array([*centre, radius]) * (1 << SHIFT)).astype(int).tolist()
    cv2.circle(picture, (x, y), r, colour, cv2.FILLED, shift=SHIFT)
