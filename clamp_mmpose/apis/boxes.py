"""Parse and check boxes given by users."""

from typing import List, Sequence

import numpy as np


def parse_box(text: str) -> List[float]:
    """``'x,y,w,h'`` in pixels -> ``[x1, y1, x2, y2]``.

    Raises:
        ValueError: not four numbers, or no area.
    """
    try:
        x, y, w, h = (float(number) for number in text.split(','))
    except ValueError:
        raise ValueError(f'a box must be "x,y,w,h" in pixels, got {text!r}.') from None
    if not (w > 0 and h > 0):
        raise ValueError(f'a box must have a positive width and height, got {text!r}.')
    return [x, y, x + w, y + h]


def check_boxes(bboxes: Sequence, inputs: Sequence) -> List[np.ndarray]:
    """Check the boxes of a caller; returns ``[N, 5]`` for each input: (x1, y1, x2, y2) and a score of 1.

    Raises:
        ValueError: a box without four finite numbers or without area, or not one entry for each input.
    """
    if len(inputs) == 1 and len(bboxes) and np.ndim(bboxes[0]) == 1 and np.size(bboxes[0]) == 4:
        bboxes = [bboxes]
    if len(bboxes) != len(inputs):
        raise ValueError(
            f'bboxes has {len(bboxes)} entries for {len(inputs)} images; give one list of '
            '(x1, y1, x2, y2) for each image.'
        )
    checked = []
    for i, boxes in enumerate(bboxes):
        boxes = np.asarray(boxes, dtype=np.float32).reshape(-1, np.shape(boxes)[-1] if np.size(boxes) else 4)
        if boxes.shape[1] != 4 or not np.isfinite(boxes).all() or (boxes[:, 2:] <= boxes[:, :2]).any():
            raise ValueError(
                f'bboxes[{i}] must be rows of (x1, y1, x2, y2) with x2 > x1 and y2 > y1, got {boxes.tolist()}.'
            )
        checked.append(np.hstack([boxes, np.ones((len(boxes), 1), np.float32)]))
    return checked


def check_overlap(boxes: np.ndarray, image: np.ndarray, path: str) -> None:
    """Check that each box of ``[N, 4]`` or ``[N, 5]`` overlaps its image.

    Raises:
        ValueError: a box lies outside.
    """
    height, width = image.shape[:2]
    for x1, y1, x2, y2 in boxes[:, :4]:
        if x1 >= width or y1 >= height or x2 <= 0 or y2 <= 0:
            raise ValueError(
                f'the box from ({x1:g}, {y1:g}) to ({x2:g}, {y2:g}) lies outside {path}, which has '
                f'{width}x{height} pixels.'
            )
