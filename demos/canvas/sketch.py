import colorsys
from typing import Dict, List, Sequence, Tuple

import cv2
import numpy as np

from .tube import CIRCLE, SHIFT, Tube

Colour = Tuple[int, ...]  # RGB
INK = 0.45  # how dark the outline of a part is, of its colour
MARGIN = 0.02  # how far inside a cover a point is hidden
FAR = 0.68  # how light a part on the far side is
WHITE, BLACK = (245, 245, 240), (20, 18, 24)


class Sketch:
    """An object before it is painted: its parts, back to front, and its named points, in units of its own.

    x runs to the right and y down; an object is about one unit large.

    Args:
        rng: draws the colours of ``colour``, and whatever else the object asks of it.
    """

    def __init__(self, rng: np.random.Generator):
        self.rng = rng
        self.points: Dict[str, np.ndarray] = {}
        self._parts: List[Tuple[np.ndarray, np.ndarray, bool, Colour, float]] = []

    def mark(self, name: str, point: Sequence[float]):
        """Name a point, which a part that is painted holds."""
        self.points[name] = np.asarray(point, float)

    def polygon(self, points: np.ndarray, colour: Colour, ink: float = 1.0):
        """A flat part ``[N, 2]``; ``ink`` is the width of its outline, in those of the picture."""
        self._parts.append((np.asarray(points, float), np.zeros(len(points)), True, colour, ink))

    def cover(self, points: np.ndarray, colour: Colour):
        """A flat part ``[N, 2]`` that hides the points marked so far which lie well behind it."""
        self.polygon(points, colour)
        outline = np.asarray(points, np.float32)
        self.points = {
            name: point
            for name, point in self.points.items()
            if cv2.pointPolygonTest(outline, tuple(map(float, point)), True) < MARGIN
        }

    def tube(self, points: np.ndarray, radii: Sequence[float], colour: Colour, ink: float = 1.0):
        """A round part: along ``points [N, 2]``, as thick as the N ``radii``."""
        points = np.asarray(points, float)
        self._parts.append((points, np.broadcast_to(np.asarray(radii, float), len(points)), False, colour, ink))

    def ellipse(
        self, centre: Sequence[float], radii: Sequence[float], colour: Colour, angle: float = 0.0, ink: float = 1.0
    ):
        """A flat part with the half-axes ``radii``, turned clockwise by ``angle``, degrees."""
        self.polygon(np.asarray(centre) + (CIRCLE * radii) @ rotation(angle).T, colour, ink)

    def eye(self, name: str, centre: Sequence[float], size: float):
        """An eye, its name marked."""
        self.ellipse(centre, (size, size), WHITE)
        self.ellipse(centre, (0.55 * size, 0.55 * size), BLACK, ink=0)
        self.mark(name, centre)

    def button(self, name: str, centre: Sequence[float], colour: Colour):
        """A button, its name marked."""
        self.ellipse(centre, (0.036, 0.036), colour)
        self.ellipse(centre, (0.012, 0.012), BLACK, ink=0)
        self.mark(name, centre)

    def colour(self, light: Tuple[float, float] = (0.45, 0.95), strength: Tuple[float, float] = (0.15, 0.85)) -> Colour:
        """Any hue, this light (0: black) and strong (0: grey)."""
        hue, value, saturation = self.rng.random(), self.rng.uniform(*light), self.rng.uniform(*strength)
        return tuple(int(255 * c) for c in colorsys.hsv_to_rgb(hue, saturation, value))

    def chance(self, share: float) -> bool:
        """True in this share of the pictures."""
        return bool(self.rng.random() < share)

    def move(self, matrix: np.ndarray):
        """Apply ``matrix [2, 2]`` to all places; thicknesses keep their proportion to the object's area."""
        scale = abs(np.linalg.det(matrix)) ** 0.5
        self._parts = [(points @ matrix.T, scale * radii, *rest) for points, radii, *rest in self._parts]
        self.points = {name: matrix @ point for name, point in self.points.items()}

    def place(self, scale: float, origin: np.ndarray):
        """From the object's units to the canvas: ``scale`` pixels each, the object's zero at pixel ``origin``."""
        self._parts = [(scale * points + origin, scale * radii, *rest) for points, radii, *rest in self._parts]
        self.points = {name: scale * point + origin for name, point in self.points.items()}

    def bounds(self) -> Tuple[np.ndarray, np.ndarray]:
        """The least and greatest (x, y) of the parts, without outlines."""
        low = np.min([(points - radii[:, None]).min(axis=0) for points, radii, *_ in self._parts], axis=0)
        high = np.max([(points + radii[:, None]).max(axis=0) for points, radii, *_ in self._parts], axis=0)
        return low, high

    def paint(self, canvas: np.ndarray, line: float):
        """Paint the parts, outlines ``line`` pixels wide.

        Args:
            canvas: ``[h, w, 3]``, RGB, or with a fourth channel, which becomes 255 where the object is.
        """
        for points, radii, flat, colour, ink in self._parts:
            fill, edge, width = (*colour, 255), (*shade(colour, INK), 255), line * ink
            if flat:
                corners = np.round(points * (1 << SHIFT)).astype(np.int32)
                cv2.fillPoly(canvas, [corners], fill, shift=SHIFT)
                if width >= 1:
                    cv2.polylines(canvas, [corners], True, edge, round(width), shift=SHIFT)
            else:
                if width >= 1:
                    Tube(points, radii).fill(canvas, edge)
                Tube(points, np.maximum(radii - width, 0.6 * radii)).fill(canvas, fill)


def at(x: float, y: float) -> np.ndarray:
    """A place, or a step: to the right and down."""
    return np.array([x, y])


def rotation(angle: float) -> np.ndarray:
    """``[2, 2]``: clockwise in the picture, by degrees."""
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return np.array([[cos, -sin], [sin, cos]])


def towards(angle: float) -> np.ndarray:
    """A unit step: 0 degrees to the right, 90 up."""
    return np.array([np.cos(np.radians(angle)), -np.sin(np.radians(angle))])


def shade(colour: Colour, light: float) -> Colour:
    """A colour made darker or lighter."""
    return tuple(min(255, int(light * c)) for c in colour)
