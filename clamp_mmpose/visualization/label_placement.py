from typing import Sequence, Tuple

import numpy as np

# sixteen directions; right, left, up and down first
ANGLES = np.pi * np.array([0, 8, 12, 4, 14, 2, 10, 6, 15, 1, 13, 3, 9, 7, 11, 5]) / 8
DIRECTIONS = np.round(np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1), 6)
CROWDED = 0.5  # if labels need more than this share of the image, none is placed far from its point
OUTWARD = 0.5  # how much the direction away from the other points counts, against the preferred directions


def place_labels(
    points: np.ndarray, sizes: np.ndarray, image_size: Tuple[int, int], gap: float, radius: float = 0.0
) -> np.ndarray:
    """A box for each label, near its point, inside the image, and apart from all other boxes.

    One after another, each label takes the nearest free place, on rings of growing radius and then anywhere; a place
    that covers no point if there is one. (Matplotlib's adjustText takes seconds, and supervision's labels leave the
    image.)

    Args:
        points: ``[K, 2]``, (x, y) in pixels.
        sizes: ``[K, 2]``, (w, h) of the labels in whole pixels.
        image_size: (w, h).
        gap: pixels between a point and the nearest place for its label.
        radius: pixels around a point that labels leave free, where possible.

    Returns:
        np.ndarray: ``[K, 4]`` int, (x1, y1, x2, y2) without the last column and row; -1 where a label has no place.
    """
    points = np.asarray(points, float).reshape(-1, 2)
    placed = np.full((len(points), 4), -1)
    dots = np.hstack([points - radius, points + radius + 1])
    outward = points - points.mean(axis=0) if len(points) else points
    outward = outward / np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1)
    crowded = np.prod(sizes, axis=1).sum() > CROWDED * np.prod(image_size)
    rings = [gap]
    while rings[-1] < max(image_size):
        rings.append(1.4 * rings[-1] + 2)
    for k, (point, size) in enumerate(zip(points, np.asarray(sizes, int))):
        if (size > image_size).any():
            continue
        others = placed[:k]
        order = np.argsort(np.arange(len(DIRECTIONS)) / len(DIRECTIONS) - OUTWARD * DIRECTIONS @ outward[k])
        directions = DIRECTIONS[order]
        fallback, fewest = None, np.inf
        for ring in rings[:6] if crowded else rings:
            centers = point + ring * directions + np.sign(directions) * size / 2
            box, covered = _best(centers - size / 2, size, image_size, others, dots)
            if covered < fewest:
                fallback, fewest = box, covered
            if covered == 0:
                break
        if fallback is None and not crowded:
            fallback, _ = _best(_grid(point, size, image_size), size, image_size, others, dots)
        if fallback is not None:
            placed[k] = fallback
    return placed


def leader_start(box: Sequence[int], point: Sequence[float]) -> Tuple[int, int]:
    """The pixel of a label's box that is nearest to its point; the leader goes from there to the point."""
    x1, y1, x2, y2 = box
    return int(np.clip(round(point[0]), x1, x2 - 1)), int(np.clip(round(point[1]), y1, y2 - 1))


def _best(corners: np.ndarray, size: np.ndarray, image_size: Sequence[int], others: np.ndarray, dots: np.ndarray):
    """The first of these boxes that touches no other label and covers the fewest points, and how many; or None."""
    low = np.clip(np.round(corners), 0, np.array(image_size) - size).astype(int)
    boxes = np.hstack([low, low + size])
    # leave out what none of the boxes can reach: in a crowd, nearly all
    around = np.hstack([low.min(axis=0), low.max(axis=0) + size])[None]
    others, dots = (rest[_intersect(around, rest)[0]] for rest in (others, dots))
    boxes = boxes[~_intersect(boxes, others).any(axis=1)]
    if not len(boxes):
        return None, np.inf
    covered = _intersect(boxes, dots).sum(axis=1)
    return boxes[np.argmin(covered)], covered.min()


def _intersect(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Whether each of N boxes shares a pixel with each of M: ``[N, M]``."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    return (low < high).all(axis=2)


def _grid(point: np.ndarray, size: np.ndarray, image_size: Sequence[int]) -> np.ndarray:
    """Left upper corners all over the image, the nearest to the point first: ``[N, 2]``."""
    columns, rows = (np.arange(0, image_size[axis] - size[axis] + 1, max(1, size[1] // 2)) for axis in (0, 1))
    corners = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    return corners[np.argsort(((corners + size / 2 - point) ** 2).sum(axis=1), kind='stable')]
