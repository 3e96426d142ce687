from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

import cv2
import numpy as np

from .colors import BLACK, WHITE, Color, any_color, shade
from .fur import Fur, paint_fur
from .tube import CIRCLE, SHIFT, Tube, bounds, fill_polygon, fixed_point

INK = 0.45  # brightness of an outline, relative to its part
MARGIN = 0.02  # a cover hides the points at least this far inside its edge
FAR = 0.68  # brightness of a part on the far side
SIDES = (('left', -1), ('right', 1))
SQUARE = np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])


@dataclass
class Part:
    """A polygon, or a tube if it has ``radii``; ``ink`` is the width of its outline, relative to that of the sketch."""

    points: np.ndarray
    radii: Optional[np.ndarray]
    color: Color
    ink: float
    fur: Optional[Fur] = None

    def bounds(self) -> Tuple[np.ndarray, np.ndarray]:
        """The lowest and the highest (x, y), without the outline."""
        return bounds(self.points, np.zeros(1) if self.radii is None else self.radii)


class Sketch:
    """An object before it is painted: its parts, back to front, and its named points, in its own units.

    x runs to the right and y down; an object is about one unit large. ``rng`` decides colors and chances.
    """

    def __init__(self, rng: np.random.Generator):
        self.rng = rng
        self.points: Dict[str, np.ndarray] = {}
        self.parts: List[Part] = []
        self.unit = 1.0  # pixels per unit of the drawing

    def mark(self, name: str, point: Sequence[float]):
        """Name a point on a painted part."""
        self.points[name] = np.asarray(point, float)

    def marks(self, points: Dict[str, Sequence[float]]):
        """Name several points."""
        for name, point in points.items():
            self.mark(name, point)

    def polygon(self, points: np.ndarray, color: Color, ink: float = 1.0):
        """A flat part ``[N, 2]``."""
        self.parts.append(Part(np.asarray(points, float), None, color, ink))

    def cover(self, points: np.ndarray, color: Color):
        """A flat part ``[N, 2]`` that hides the points marked so far that are behind it."""
        self.polygon(points, color)
        outline = np.asarray(points, np.float32)
        for name, point in list(self.points.items()):
            if cv2.pointPolygonTest(outline, tuple(map(float, point)), True) >= MARGIN:
                del self.points[name]

    def tube(
        self, points: np.ndarray, radii: Sequence[float], color: Color, ink: float = 1.0, fur: Optional[Fur] = None
    ):
        """A round part along ``points [N, 2]`` with N ``radii``, or one for all."""
        points = np.asarray(points, float)
        self.parts.append(Part(points, np.broadcast_to(np.asarray(radii, float), len(points)), color, ink, fur))

    def ellipse(
        self, center: Sequence[float], radii: Sequence[float], color: Color, angle: float = 0.0, ink: float = 1.0
    ):
        """A flat part with these two half-axes, or this radius, turned clockwise by ``angle`` degrees."""
        self.polygon(np.asarray(center) + (CIRCLE * radii) @ rotation(angle).T, color, ink)

    def eye(self, name: str, center: Sequence[float], size: float):
        """A marked eye."""
        self.ellipse(center, size, WHITE)
        self.ellipse(center, 0.55 * size, BLACK, ink=0)
        self.mark(name, center)

    def button(self, name: str, center: Sequence[float], color: Color):
        """A marked button."""
        self.ellipse(center, 0.036, color)
        self.ellipse(center, 0.012, BLACK, ink=0)
        self.mark(name, center)

    def color(self, *ranges: Tuple[float, float]) -> Color:
        """A random color in ranges of value and saturation, see ``any_color``."""
        return any_color(self.rng, *ranges)

    def chance(self, share: float) -> bool:
        """True with this probability."""
        return bool(self.rng.random() < share)

    def place(self, scale: float, origin: np.ndarray):
        """From its own units to the canvas: ``scale`` pixels per unit, the origin at pixel ``origin``."""
        self.move(scale * np.eye(2), origin)

    def move(self, matrix: np.ndarray, shift: Sequence[float] = (0, 0)):
        """Apply ``matrix [2, 2]`` and ``shift`` to all points; radii scale with the square root of the area."""
        scale = abs(np.linalg.det(matrix)) ** 0.5
        self.unit *= scale
        for part in self.parts:
            part.points = part.points @ matrix.T + shift
            part.radii = None if part.radii is None else scale * part.radii
        self.points = {name: matrix @ point + shift for name, point in self.points.items()}

    def bounds(self) -> Tuple[np.ndarray, np.ndarray]:
        """The lowest and the highest (x, y) of the parts, without outlines."""
        low, high = zip(*(part.bounds() for part in self.parts))
        return np.min(low, axis=0), np.max(high, axis=0)

    def paint(self, canvas: np.ndarray, line: float = 0.0):
        """Paint the parts, with outlines ``line`` pixels wide, on a canvas ``[h, w, 3]``, RGB.

        A fourth channel of the canvas becomes 255 on the object; parts with fur need it.
        """
        for part in self.parts:
            edge, width = shade(part.color, INK), line * part.ink
            if part.fur is not None:
                paint_fur(canvas, Tube(part.points, part.radii), part.color, part.fur, self.unit, self.rng)
            elif part.radii is None:
                fill_polygon(canvas, part.points, part.color)
                if width >= 1:
                    cv2.polylines(canvas, [fixed_point(part.points)], True, (*edge, 255), round(width), shift=SHIFT)
            else:
                if width >= 1:
                    Tube(part.points, part.radii).fill(canvas, edge)
                Tube(part.points, np.maximum(part.radii - width, 0.6 * part.radii)).fill(canvas, part.color)


def at(x: float, y: float) -> np.ndarray:
    """A point or a vector: to the right and down."""
    return np.array([x, y])


def rotation(angle: float) -> np.ndarray:
    """The matrix ``[2, 2]`` of a clockwise rotation in the image, in degrees."""
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return np.array([[cos, -sin], [sin, cos]])


def towards(angle: float) -> np.ndarray:
    """A unit vector: 0 degrees to the right, 90 up."""
    return np.array([np.cos(np.radians(angle)), -np.sin(np.radians(angle))])
