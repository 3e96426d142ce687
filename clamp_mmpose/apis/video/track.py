"""Gives the instances of a video's frames the number of their track."""

from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from clamp_mmpose.apis.formats import PredictedFrame, PredictedInstance

SIGMA = 0.05  # of every keypoint, if the data set has none
SIMILAR = 0.2  # least sum of OKS and IoU of an instance and the last one of its track


class Tracker:
    """Joins instances to tracks so that the OKS of keypoints plus the IoU of boxes, summed over the pairs, is highest.

    Args:
        sigmas: ``[K]``, as in the metainfo; None: 0.05 for every keypoint.
        max_gap: frames after which a track that was not seen ends.
        max_tracks: the number of animals, if it is known: no more tracks are made; an animal that appears where no
            track was goes on with the nearest one that was not seen, after any gap.
    """

    def __init__(self, sigmas: Optional[Sequence[float]] = None, max_gap: int = 30, max_tracks: Optional[int] = None):
        self.sigmas, self.max_gap, self.max_tracks = sigmas, max_gap, max_tracks
        self._last: Dict[int, Tuple[int, PredictedInstance]] = {}
        self._count = 0

    def update(self, frame: PredictedFrame) -> None:
        """Set ``track`` of the instances of the next frame; with ``max_tracks``, keep as many with the best scores."""
        assert frame.frame is not None
        instances = frame.instances
        if self.max_tracks is not None:
            instances = sorted(instances, key=lambda found: -found.score)[: self.max_tracks]
        tracks = [
            track
            for track, (seen, _) in self._last.items()
            if self.max_tracks is not None or frame.frame - seen <= self.max_gap
        ]
        similar = np.zeros((len(instances), len(tracks)))
        for i, found in enumerate(instances):
            for j, track in enumerate(tracks):
                last = self._last[track][1]
                similar[i, j] = oks(last, found, self.sigmas) + iou(last.box, found.box)
        chosen = {
            i: tracks[j] for i, j in zip(*linear_sum_assignment(similar, maximize=True)) if similar[i, j] >= SIMILAR
        }
        rest = [i for i in range(len(instances)) if i not in chosen]
        if self.max_tracks is not None:
            chosen.update(self._nearest(instances, rest, [track for track in tracks if track not in chosen.values()]))
        for i, found in enumerate(instances):
            if i not in chosen:
                chosen[i] = self._count
                self._count += 1
            found.track = chosen[i]
            self._last[chosen[i]] = frame.frame, found
        frame.instances = sorted(instances, key=lambda found: found.track or 0)

    def _nearest(self, instances: List[PredictedInstance], rest: List[int], tracks: List[int]) -> Dict[int, int]:
        """Tracks of the ``rest`` that could not all be new, by the distance of their centers."""
        assert self.max_tracks is not None
        new = self.max_tracks - self._count
        centers = np.array([_center(instances[i]) for i in rest]).reshape(-1, 1, 2)
        last = np.array([_center(self._last[track][1]) for track in tracks]).reshape(1, -1, 2)
        distances = np.linalg.norm(centers - last, axis=2)
        pairs = sorted(zip(*linear_sum_assignment(distances)), key=lambda pair: distances[pair])
        return {rest[i]: tracks[j] for i, j in pairs[: max(0, len(rest) - new)]}


def oks(last: PredictedInstance, found: PredictedInstance, sigmas: Optional[Sequence[float]] = None) -> float:
    """COCO's object keypoint similarity, 0 to 1, averaged with the product of both scores as weights."""
    sigma = np.full(len(last.keypoints), SIGMA) if sigmas is None else np.asarray(sigmas, float)
    distances = ((last.keypoints - found.keypoints) ** 2).sum(axis=1)
    weights = np.where(np.isfinite(distances), last.scores * found.scores, 0)
    if weights.sum() <= 0:
        return 0.0
    area = max(_area(last.box), 1.0)
    similar = np.exp(-np.nan_to_num(distances) / (2 * area * (2 * sigma) ** 2))
    return float((weights * similar).sum() / weights.sum())


def iou(first: Sequence[float], second: Sequence[float]) -> float:
    """Intersection over union of two boxes (x1, y1, x2, y2)."""
    a, b = np.asarray(first, float), np.asarray(second, float)
    inner = np.prod(np.maximum(0, np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])))
    union = _area(first) + _area(second) - inner
    return float(inner / union) if union > 0 else 0.0


def _area(box: Sequence[float]) -> float:
    return float(max(0, box[2] - box[0]) * max(0, box[3] - box[1]))


def _center(instance: PredictedInstance) -> List[float]:
    x1, y1, x2, y2 = instance.box
    return [(x1 + x2) / 2, (y1 + y2) / 2]
