from typing import Any, List, Tuple

import numpy as np

from clamp_mmpose.evaluation.bootstrap import Interval, interval

Detections = Tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def average_precision(evaluation: Any, seed: int = 0, resamples: int = 1000) -> Interval:
    """COCO's AP over all areas, with its bootstrap interval: images are drawn with all that is on them.

    Args:
        evaluation: xtcocotools' ``COCOeval`` after ``evaluate()``.

    Raises:
        ValueError: there are no images.
    """
    params = evaluation.params
    images, areas = len(params.imgIds), len(params.areaRng)
    categories = [
        _detections(evaluation.evalImgs[k * areas * images :][:images], len(params.iouThrs))
        for k in range(len(evaluation.evalImgs) // (areas * images) if images else 0)
    ]

    def mean(drawn: np.ndarray) -> float:
        times = np.bincount(drawn, minlength=images)
        found = [_precision(part, times, params.recThrs) for part in categories]
        known = [value for value in found if value >= 0]
        return float(np.mean(known)) if known else -1.0  # as COCOeval

    return interval(np.arange(images), mean, seed=seed, resamples=resamples)


def _detections(entries: List[Any], thresholds: int) -> Detections:
    """Of a category: each detection's image ``[D]``, whether it is matched and ignored ``[T, D]``, the highest score
    first; and the number of labeled instances of each image ``[I]``."""
    positives = np.array([0 if one is None else int((np.asarray(one['gtIgnore']) == 0).sum()) for one in entries])
    known = [(i, one) for i, one in enumerate(entries) if one is not None]
    empty = np.zeros((thresholds, 0), bool)
    scores = np.concatenate([np.zeros(0), *(np.asarray(one['dtScores'], float) for _, one in known)])
    order = np.argsort(-scores, kind='mergesort')  # as COCOeval
    images = np.concatenate([np.zeros(0, int), *(np.full(len(one['dtScores']), i) for i, one in known)])
    matched = np.concatenate([empty, *(np.asarray(one['dtMatches']) >= 0 for _, one in known)], axis=1)
    ignored = np.concatenate([empty, *(np.asarray(one['dtIgnore'], bool) for _, one in known)], axis=1)
    return images[order], matched[:, order], ignored[:, order], positives


def _precision(detections: Detections, times: np.ndarray, recalls: np.ndarray) -> float:
    """The mean of the interpolated precision at these recalls, if image i occurs ``times[i]`` times."""
    images, matched, ignored, positives = detections
    number = int((times * positives).sum())
    if not number:
        return -1.0
    drawn = np.repeat(np.arange(len(images)), times[images])
    right = np.cumsum(matched[:, drawn] & ~ignored[:, drawn], axis=1)
    wrong = np.cumsum(~matched[:, drawn] & ~ignored[:, drawn], axis=1)
    precision = right / np.maximum(right + wrong, np.spacing(1))
    precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    total = 0.0
    for row, recall in zip(precision, right / number):
        places = np.searchsorted(recall, recalls, side='left')
        total += row[places[places < len(row)]].sum()
    return total / (len(precision) * len(recalls))
