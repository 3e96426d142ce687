from typing import Sequence, Tuple

import cv2
import numpy as np

from .named_keypoints import PALETTE, draw_named_keypoints

MARGIN = 0.1  # around the box and the predicted keypoints, of the longer side
NAMED = 5  # keypoints with names, those farthest from their labels
ERROR = (255, 60, 60)
CROWDED = 20  # keypoints that get thin lines


def draw_keypoint_errors(
    image: np.ndarray,
    box: Sequence[float],
    labels: np.ndarray,
    keypoints: np.ndarray,
    names: Sequence[str],
    wrong: np.ndarray,
    side: int = 360,
) -> np.ndarray:
    """Draw predicted keypoints (dots) and their labels (rings) on the part of an image that shows them.

    A line joins both, a red one if the keypoint is wrong, and the worst have their names.

    Args:
        image: ``[H, W, 3]`` uint8 RGB.
        box: (x1, y1, x2, y2) of the instance in pixels of the image, as ``labels`` and ``keypoints``.
        labels: ``[K, 2]``; NaN where not labeled.
        keypoints: ``[K, 2]``, predicted.
        names: K names.
        wrong: ``[K]`` bool.
        side: longer side of the result in pixels.

    Returns:
        np.ndarray: uint8 RGB.
    """
    x1, y1, x2, y2 = _part(image.shape, box, labels, keypoints)
    zoom = side / max(x2 - x1, y2 - y1)
    size = max(1, round(zoom * (x2 - x1))), max(1, round(zoom * (y2 - y1)))
    method = cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC
    drawn = cv2.resize(np.ascontiguousarray(image[y1:y2, x1:x2]), size, interpolation=method)
    # pixel centers are at whole numbers, before and after
    found = ((np.asarray(keypoints) - [x1, y1] + 0.5) * zoom - 0.5).clip(-1e4, 1e4)
    truth = (np.asarray(labels) - [x1, y1] + 0.5) * zoom - 0.5
    labeled = np.isfinite(truth).all(axis=1)
    for k in np.flatnonzero(labeled):
        point, label = _pixel(found[k]), _pixel(truth[k])
        color = PALETTE[k % len(PALETTE)]
        cv2.line(
            drawn,
            point,
            label,
            ERROR if wrong[k] else color,
            2 if wrong[k] and len(names) < CROWDED else 1,
            cv2.LINE_AA,
        )
        cv2.circle(drawn, label, 5, (0, 0, 0), 3, cv2.LINE_AA)
        cv2.circle(drawn, label, 5, color, 1, cv2.LINE_AA)
        cv2.circle(drawn, point, 4, (0, 0, 0), -1, cv2.LINE_AA)
        cv2.circle(drawn, point, 3, color, -1, cv2.LINE_AA)
    distances = np.where(labeled & wrong, np.linalg.norm(found - np.nan_to_num(truth), axis=1), -1)
    worst = [k for k in np.argsort(-distances)[:NAMED] if distances[k] >= 0]
    named = np.full_like(found, np.nan)
    named[worst] = found[worst]
    return draw_named_keypoints(drawn, named, names)


def _part(
    shape: Tuple[int, ...], box: Sequence[float], labels: np.ndarray, keypoints: np.ndarray
) -> Tuple[int, int, int, int]:
    """What shows the box and all keypoints, inside the image."""
    labeled = labels[np.isfinite(labels).all(axis=1)]
    points = np.concatenate([np.reshape(box, (2, 2)), labeled, keypoints])
    low, high = points.min(axis=0), points.max(axis=0)
    margin = MARGIN * (high - low).max()
    limits = np.array([shape[1], shape[0]])
    x1, y1 = np.clip(np.floor(low - margin), 0, limits - 1).astype(int).tolist()
    x2, y2 = np.clip(np.ceil(high + margin) + 1, [x1 + 1, y1 + 1], limits).astype(int).tolist()
    return x1, y1, x2, y2


def _pixel(point: np.ndarray) -> Tuple[int, int]:
    x, y = np.round(point).astype(int).tolist()
    return x, y
