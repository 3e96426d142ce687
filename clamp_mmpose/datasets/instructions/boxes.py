from typing import Optional, Sequence, Tuple

import numpy as np

Box = Tuple[float, float, float, float]


def clipped_box(box: Sequence[float], size: Tuple[int, int]) -> Optional[Box]:
    """The part of a box that is inside the image, in its pixels; None if nothing is.

    Args:
        box: left, top, right, bottom.
        size: (w, h) of the image.
    """
    left, top, right, bottom = box
    width, height = size
    left, right = max(0.0, float(left)), min(float(width), float(right))
    top, bottom = max(0.0, float(top)), min(float(height), float(bottom))
    return (left, top, right, bottom) if right > left and bottom > top else None


def extent(points: np.ndarray, size: Tuple[int, int]) -> Box:
    """The box around points ``[N, 2]``, with at least one pixel each way, moved into the image."""
    left, top = np.clip(points.min(0), 0, np.subtract(size, 1))
    right, bottom = np.clip(points.max(0), (left + 1, top + 1), size)
    return float(left), float(top), float(right), float(bottom)
