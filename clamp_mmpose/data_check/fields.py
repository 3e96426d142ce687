"""Read single values of annotation files, which may be of any type."""

from typing import Any, Optional, Tuple

LARGEST = 1e15  # NaN, infinity and integers that overflow a float are not below it
BORDER = 1  # pixels that a box may reach beyond the image because of rounding


def is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < LARGEST


def image_size(image: dict) -> Optional[Tuple[float, float]]:
    """(w, h) in the annotations; None if it is missing or not positive."""
    size = image.get('width'), image.get('height')
    return size if all(is_finite(side) and side > 0 for side in size) else None


def labeled_keypoints(ann: dict) -> int:
    keypoints = ann.get('keypoints')
    return sum(is_finite(v) and v > 0 for v in keypoints[2::3]) if isinstance(keypoints, list) else 0
