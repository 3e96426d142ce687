"""Parse and check boxes given by users."""

import math
from numbers import Real
from typing import Any, List, Sequence, Union

import numpy as np

FARTHEST = 10  # a box may reach as many image sizes beyond the image; its crop would be almost empty


def parse_box(text: str) -> List[float]:
    """``'x,y,w,h'`` in pixels -> ``[x1, y1, x2, y2]``.

    Raises:
        ValueError: not four finite numbers, or no area.
    """
    try:
        x, y, w, h = (float(number) for number in text.split(','))
    except ValueError:
        raise ValueError(f'a box must be "x,y,w,h" in pixels, got {text!r}.') from None
    if not all(map(math.isfinite, (x, y, w, h))):
        raise ValueError(f'a box must be "x,y,w,h" of finite numbers, got {text!r}.')
    if not (w > 0 and h > 0):
        raise ValueError(f'a box must have a positive width and height, got {text!r}.')
    return [x, y, x + w, y + h]


def check_boxes(bboxes: Sequence, names: Sequence[str]) -> List[Union[np.ndarray, ValueError]]:
    """Check the boxes of a caller.

    Args:
        bboxes: for each image its boxes (x1, y1, x2, y2), or one box; for a single image, its boxes alone are enough.
        names: of the images, for errors.

    Returns:
        list: for each image ``[N, 5]``, (x1, y1, x2, y2) and a score of 1; or why its boxes cannot be used.

    Raises:
        ValueError: not one entry for each image.
    """
    if not isinstance(bboxes, (list, tuple, np.ndarray)):
        raise ValueError(
            f'bboxes must be a list with the boxes (x1, y1, x2, y2) of each image, got {type(bboxes).__name__}.'
        )
    one_box = len(bboxes) == 4 and _is_flat(bboxes)
    if len(names) == 1 and (one_box or (len(bboxes) and _is_flat(bboxes[0]) and len(bboxes[0]) == 4)):
        bboxes = [bboxes]
    if len(bboxes) != len(names):
        raise ValueError(
            f'bboxes has {len(bboxes)} entries for {len(names)} images; give one list of '
            '(x1, y1, x2, y2) for each image.'
        )
    return [_checked(boxes, i, name) for i, (boxes, name) in enumerate(zip(bboxes, names))]


def check_inside(boxes: np.ndarray, image: np.ndarray, path: str) -> None:
    """Check that each box of ``[N, 4]`` or ``[N, 5]`` overlaps its image, is in pixels and not much larger.

    Raises:
        ValueError: a box lies outside, in the first pixel (so it is in fractions of the image), or reaches more than
            :data:`FARTHEST` image sizes beyond the image.
    """
    height, width = image.shape[:2]
    far = FARTHEST * max(height, width)
    for i, (x1, y1, x2, y2) in enumerate(boxes[:, :4]):
        box = f'box {i} from ({x1:g}, {y1:g}) to ({x2:g}, {y2:g})'
        if x1 >= width or y1 >= height or x2 <= 0 or y2 <= 0:
            raise ValueError(f'{box} lies outside {path}, which has {width}x{height} pixels.')
        if min(x1, y1) >= 0 and max(x2, y2) <= 1 < min(height, width):
            raise ValueError(
                f'{box} lies in the first pixel of {path}, which has {width}x{height} pixels: give the box in pixels, '
                'not in fractions of the image.'
            )
        if x1 < -far or y1 < -far or x2 > width + far or y2 > height + far:
            raise ValueError(
                f'{box} reaches more than {FARTHEST} image sizes beyond {path}, which has {width}x{height} pixels: '
                'give (x1, y1, x2, y2) in pixels.'
            )


def _checked(boxes: Any, index: int, name: str) -> Union[np.ndarray, ValueError]:
    must = f'bboxes[{index}] must be rows of (x1, y1, x2, y2) with x2 > x1 and y2 > y1'
    if not isinstance(boxes, (list, tuple, np.ndarray)):
        return ValueError(f'{must}; {name} has {_shown(boxes)}.')
    rows = [boxes] if len(boxes) and _is_flat(boxes) else boxes
    for i, row in enumerate(rows):
        if not _is_box(row):
            return ValueError(f'{must}; box {i} of {name} is {_shown(row)}.')
    return np.array([[*map(float, row), 1] for row in rows], np.float32).reshape(-1, 5)


def _is_box(row: Any) -> bool:
    if not _is_flat(row) or len(row) != 4 or not all(_is_number(value) for value in row):
        return False
    try:
        with np.errstate(over='ignore'):  # as it is used; too large values become infinite
            x1, y1, x2, y2 = np.array([float(value) for value in row]).astype(np.float32)
    except OverflowError:  # integers of more than 308 digits
        return False
    return bool(np.isfinite([x1, y1, x2, y2]).all() and x2 > x1 and y2 > y1)


def _is_flat(values: Any) -> bool:
    """Whether it is one row, of numbers or not, instead of rows."""
    return isinstance(values, (list, tuple, np.ndarray)) and not any(
        isinstance(value, (list, tuple, np.ndarray)) for value in values
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, (bool, np.bool_))


def _shown(row: Any) -> str:
    return repr(row.tolist() if isinstance(row, np.ndarray) else row)[:80]
