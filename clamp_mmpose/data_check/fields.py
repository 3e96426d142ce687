"""Read single values of annotation files, which may be of any type."""

import math
from typing import Any, Optional, Tuple

LARGEST = 1e15  # NaN, infinity and integers that overflow a float are not below it
BORDER = 1  # pixels that a box may reach beyond the image because of rounding


def is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < LARGEST


def all_finite(values: list) -> bool:
    """Whether :func:`is_finite` holds for all values; faster than to ask for each."""
    plain = set(map(type, values)) <= {int, float}
    # a NaN can hide from max, but not from the sum
    return (plain and max(map(abs, values), default=0) < LARGEST and not math.isnan(sum(values))) or all(
        map(is_finite, values)
    )


def image_size(image: dict) -> Optional[Tuple[float, float]]:
    """(w, h) in the annotations; None if it is missing or not positive."""
    size = image.get('width'), image.get('height')
    return size if all(is_finite(side) and side > 0 for side in size) else None


def labeled_keypoints(ann: dict) -> int:
    keypoints = ann.get('keypoints')
    if not isinstance(keypoints, list):
        return 0
    visible = keypoints[2::3]
    return sum(v > 0 for v in visible) if all_finite(visible) else sum(is_finite(v) and v > 0 for v in visible)
