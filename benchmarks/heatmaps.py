"""Times :class:`GenerateFocusHeatmap` against drawing one part after the other."""

from typing import Dict, NamedTuple, Tuple

import numpy as np
from mmpose.registry import TRANSFORMS

from clamp_mmpose.datasets.focus.body_parts import body_parts

from .models import Timing, alternate

PICTURE, CROP = (720, 1280), (256, 256)  # (H, W)
# someone who stands with an arm raised, MPII's 16 keypoints, 580 pixels high
PERSON = np.array(
    [
        [600, 660],
        [608, 530],
        [615, 400],
        [675, 400],
        [690, 535],
        [700, 660],
        [645, 400],
        [645, 200],
        [645, 165],
        [648, 80],
        [530, 60],
        [548, 150],
        [590, 205],
        [700, 205],
        [735, 310],
        [745, 405],
    ],
    np.float32,
)


class HeatmapTimings(NamedTuple):
    """Ours and the plain way, run in turn, for a picture and for a crop of it."""

    picture: Timing
    picture_plain: Timing
    crop: Timing
    crop_plain: Timing


def plain_heatmap(keypoints: np.ndarray, parts: np.ndarray, shape: Tuple[int, int]) -> np.ndarray:
    """Eq. 3 of FocusCLIP for each part on the whole canvas, added and cut at 1: ``[H, W]``."""
    heatmap = np.zeros(shape)
    rows, columns = np.indices(shape)
    for part in parts:
        points = np.trunc(keypoints[part])
        (x, y), (sigma_x, sigma_y) = (points.min(0) + points.max(0)) // 2, (points.max(0) - points.min(0)) // 2
        heatmap += np.exp(-((columns - x) ** 2 / (2 * sigma_x**2) + (rows - y) ** 2 / (2 * sigma_y**2)))
    return np.clip(heatmap, 0, 1)


def heatmap(pairs: int) -> HeatmapTimings:
    """Milliseconds for one person in 1280 x 720 pixels, and in 256 x 256 of them."""
    transform = TRANSFORMS.build(dict(type='GenerateFocusHeatmap', groups='mpii'))
    parts = body_parts('mpii')
    scale = np.float32(256 / 640)
    views = {PICTURE: PERSON, CROP: (PERSON - (325, 40)) * scale}
    runs = []
    for shape, keypoints in views.items():
        results = dict(keypoints=keypoints[None], keypoints_visible=np.ones((1, 16)), img_shape=shape)
        ours, plain = transform(dict(results))['focus_heatmap'], plain_heatmap(keypoints, parts, shape)
        if np.abs(ours - plain).max() > 1e-5:
            raise RuntimeError(f'the two ways draw different maps of {shape}: their times cannot be compared.')
        runs += [
            lambda results=results: transform(dict(results)),
            lambda keypoints=keypoints, shape=shape: plain_heatmap(keypoints, parts, shape),
        ]
    return HeatmapTimings(*alternate(runs, pairs, 'cpu'))


def heatmap_summary(timings: HeatmapTimings) -> Dict[str, float]:
    """The numbers as they go into JSON; ``crop_of_picture_ratio``: the plain way draws the picture, ours the crop."""
    medians = {f'{name}_ms': timing.median for name, timing in timings._asdict().items()}
    return dict(
        medians,
        picture_ratio=timings.picture_plain.median / timings.picture.median,
        crop_ratio=timings.crop_plain.median / timings.crop.median,
        crop_of_picture_ratio=timings.picture_plain.median / timings.crop.median,
        runs=len(timings.picture.runs),
    )
