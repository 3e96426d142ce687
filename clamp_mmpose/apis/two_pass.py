"""Boxes without a detector: a model finds its only instance in the whole image, then looks at it more closely.

The model should be trained with the transform :class:`WholeImageBox`. The box of the second pass is that of the
confident keypoints of the first, with a margin.
"""

from typing import Any, Callable, Iterable, List, Sequence, Tuple

import numpy as np
from mmpose.datasets.transforms import GetBBoxCenterScale

from .crops import ImageBoxes

CONFIDENT = 0.25  # of the highest score of the instance; a box that is too large does less harm than one too small
MARGIN = 0.15  # on each side, of the longer side of the keypoints' box, as in imported data
INEXACT = 1 / 16  # on each side, of the box that was seen: about two cells of its heatmap
SMALLEST = 1 / 16  # side of a box, of the longer side of the image: a single keypoint has no extent
PASSES = 2  # before that of the results; the first box may be wide, by one keypoint that is far off


def find_boxes(
    images: Sequence[ImageBoxes], run: Callable[[], Iterable[Tuple[List[int], list]]], pipeline: Any
) -> None:
    """Set the box of each image, in place.

    Args:
        run: gives the samples of the boxes that the images have, with the images' indices.
        pipeline: whose padding the whole image does not need.
    """
    steps = getattr(pipeline, 'transforms', ())
    padding = next((step.padding for step in steps if isinstance(step, GetBBoxCenterScale)), 1.0)
    for image in images:
        image.boxes = whole_image(image.image.shape[:2], padding)
    for _ in range(PASSES):
        found = {i: sample.pred_instances for owners, samples in run() for i, sample in zip(owners, samples)}
        for i, instances in found.items():
            image = images[i]
            image.boxes = keypoints_box(
                instances.keypoints[0], instances.keypoint_scores[0], image.image.shape[:2], image.boxes[0]
            )


def whole_image(shape: Tuple[int, int], padding: float = 1.0) -> np.ndarray:
    """The box ``[1, 5]`` that is a whole image of (H, W) after the padding, with a score of 1."""
    half = np.array([shape[1], shape[0]]) / 2
    return np.array([[*(half - half / padding), *(half + half / padding), 1]], np.float32)


def keypoints_box(
    keypoints: np.ndarray, scores: np.ndarray, shape: Tuple[int, int], seen: Sequence[float] = (0, 0, 0, 0)
) -> np.ndarray:
    """The box of the confident keypoints with a margin, inside the image.

    Args:
        keypoints: ``[K, 2]``, (x, y) in pixels of the image.
        scores: ``[K]``.
        shape: (H, W) of the image.
        seen: (x1, y1, x2, y2) of the box in which they were found; the larger it was, the less exact they are.

    Returns:
        np.ndarray: ``[1, 5]``, (x1, y1, x2, y2) in pixels and a score of 1; the whole image if no number is finite.
    """
    known = np.isfinite(keypoints).all(axis=1) & np.isfinite(scores)
    size = np.array([shape[1], shape[0]], float)
    if not known.any():
        return whole_image(shape)
    points = np.clip(keypoints[known & (scores >= CONFIDENT * scores[known].max())], 0, size)
    low, high = points.min(axis=0), points.max(axis=0)
    margin = MARGIN * (high - low).max() + INEXACT * max(seen[2] - seen[0], seen[3] - seen[1])
    least = SMALLEST * size.max() / 2
    center = (low + high) / 2
    low = np.minimum(low - margin, center - least).clip(0)
    high = np.maximum(high + margin, center + least).clip(max=size)
    return np.array([[*low, *high, 1]], np.float32)
