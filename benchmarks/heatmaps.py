"""Times :class:`GenerateFocusHeatmap` against drawing part by part."""

from typing import Dict, NamedTuple, Tuple

import numpy as np
from mmpose.registry import TRANSFORMS
from torch.utils.benchmark import Measurement

from clamp_mmpose.datasets.focus.body_parts import body_parts

from .models import alternate, milliseconds

IMAGE, CROP = (720, 1280), (256, 256)  # (H, W)
# MPII's 16 keypoints of a standing person with an arm raised, 580 pixels high
X = [600, 608, 615, 675, 690, 700, 645, 645, 645, 648, 530, 548, 590, 700, 735, 745]
Y = [660, 530, 400, 400, 535, 660, 400, 200, 165, 80, 60, 150, 205, 205, 310, 405]
PERSON = np.stack([X, Y], axis=1).astype(np.float32)


class HeatmapTimings(NamedTuple):
    """Timings of our transform and of drawing part by part, for an image and for a crop of it."""

    image: Measurement
    image_plain: Measurement
    crop: Measurement
    crop_plain: Measurement


def plain_heatmap(keypoints: np.ndarray, parts: np.ndarray, shape: Tuple[int, int]) -> np.ndarray:
    """Eq. 3 of FocusCLIP for each part on the whole canvas, summed and clipped at 1: ``[H, W]``."""
    heatmap = np.zeros(shape)
    rows, columns = np.indices(shape)
    for part in parts:
        points = np.trunc(keypoints[part])
        (x, y), (sigma_x, sigma_y) = (points.min(0) + points.max(0)) // 2, (points.max(0) - points.min(0)) // 2
        heatmap += np.exp(-((columns - x) ** 2 / (2 * sigma_x**2) + (rows - y) ** 2 / (2 * sigma_y**2)))
    return np.clip(heatmap, 0, 1)


def heatmap(pairs: int) -> HeatmapTimings:
    """Time one person in 1280 x 720 pixels, and in a crop of 256 x 256."""
    transform = TRANSFORMS.build(dict(type='GenerateFocusHeatmap', groups='mpii'))
    parts = body_parts('mpii')
    scale = np.float32(256 / 640)
    views = {IMAGE: PERSON, CROP: (PERSON - (325, 40)) * scale}
    runs = []
    for shape, keypoints in views.items():
        results = dict(keypoints=keypoints[None], keypoints_visible=np.ones((1, 16)), img_shape=shape)
        ours, plain = transform(dict(results))['focus_heatmap'], plain_heatmap(keypoints, parts, shape)
        if np.abs(ours - plain).max() > 1e-5:
            raise RuntimeError(f'the two methods draw different maps of {shape}; their times cannot be compared.')
        runs += [
            lambda results=results: transform(dict(results)),
            lambda keypoints=keypoints, shape=shape: plain_heatmap(keypoints, parts, shape),
        ]
    return HeatmapTimings(*alternate(runs, pairs))


def heatmap_summary(timings: HeatmapTimings) -> Dict[str, float]:
    """The results for the JSON file; ``crop_of_image_ratio`` compares the plain image with our crop."""
    image, image_plain, crop, crop_plain = map(milliseconds, timings)
    return dict(
        image_ms=image,
        image_plain_ms=image_plain,
        crop_ms=crop,
        crop_plain_ms=crop_plain,
        image_ratio=image_plain / image,
        crop_ratio=crop_plain / crop,
        crop_of_image_ratio=image_plain / crop,
        runs=len(timings.image.times),
    )
