"""Angles between points of an image ``(x, y)`` or of a scene ``(x, y, z)``; y points down, z away from the camera."""

import math
from typing import Optional, Tuple

Point = Tuple[float, ...]


def distance(first: Point, second: Point) -> float:
    return math.dist(first, second)


def middle(first: Point, second: Point) -> Point:
    return tuple((a + b) / 2 for a, b in zip(first, second))


def angle(first: Point, corner: Point, second: Point) -> Optional[float]:
    """The angle at ``corner`` in degrees, 0 to 180; None if a side has no length."""
    one = [a - c for a, c in zip(first, corner)]
    two = [b - c for b, c in zip(second, corner)]
    length = math.hypot(*one) * math.hypot(*two)
    if not length:
        return None
    return math.degrees(math.acos(max(-1.0, min(1.0, sum(a * b for a, b in zip(one, two)) / length))))


def from_down(start: Point, end: Point) -> Optional[float]:
    """The direction to ``end`` in degrees: 0 straight down, 90 horizontal, 180 straight up; None without a length."""
    return angle((start[0], start[1] + 1, *start[2:]), start, end)


def lean(start: Point, end: Point) -> Optional[float]:
    """The direction to ``end`` in the image plane, in degrees from straight up: -90 left, 90 right of the image."""
    x, y = end[0] - start[0], end[1] - start[1]
    return math.degrees(math.atan2(x, -y)) if x or y else None
