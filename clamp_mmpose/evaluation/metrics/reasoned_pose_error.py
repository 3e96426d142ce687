import logging
from typing import Any, Dict, List, Sequence, Tuple

import numpy as np
from mmengine.logging import print_log
from mmpose.registry import METRICS

from clamp_mmpose.datasets.poses.reasoned_poses import ASPECTS
from clamp_mmpose.evaluation.bootstrap import Interval, interval

from .body_pose_error import BodyPoseError, PoseResult


@METRICS.register_module()
class ReasonedPoseError(BodyPoseError):
    """Reasoning-based pose estimation (ChatPose, Feng et al., CVPR 2024): errors by what the question describes.

    ``MPJPE`` and ``PA-MPJPE`` are means over the aspects with poses of their means over poses; the bootstrap draws
    people, each with all of its questions. ``behavior/MPJPE`` and so on are those of an aspect, ``behavior/poses``
    their number; ``missing_aspects`` counts those without a pose, which the log names.

    Arguments are those of :class:`BodyPoseError`; samples are of :class:`ReasonedPoses`.
    """

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """See :class:`BodyPoseError`; samples have ``aspect`` and ``person``, too.

        Raises:
            ValueError: one has not.
        """
        for sample in data_samples:
            if not {'aspect', 'person'} <= set(sample):
                raise ValueError(
                    f'record {sample.get("record_id")!r} has no aspect or no person: ReasonedPoseError scores '
                    'ReasonedPoses, others BodyPoseError.'
                )
        super().process(data_batch, data_samples)

    def score(self, poses: List[PoseResult]) -> Dict[str, float]:
        """Errors of all, and of each aspect."""
        aspects, people = [pose.sample['aspect'] for pose in poses], [pose.sample['person'] for pose in poses]
        absent = [aspect for aspect in ASPECTS if aspect not in aspects]
        metrics: Dict[str, float] = {}
        for name, key in (('MPJPE', 'mpjpe'), ('PA-MPJPE', 'pa_mpjpe')):
            values = np.array([getattr(pose, key) for pose in poses])
            means, ends = _by_aspect(values, aspects, people)
            metrics.update(zip((name, f'{name}_low', f'{name}_high'), map(float, ends)))
            metrics.update({f'{aspect}/{name}': mean for aspect, mean in means.items()})
        metrics.update({f'{aspect}/poses': aspects.count(aspect) for aspect in ASPECTS})
        if absent:
            print_log(f'{self.prefix}: no pose is scored for {", ".join(absent)}.', 'current', logging.WARNING)
        return dict(metrics, missing_aspects=len(absent))


def _by_aspect(values: np.ndarray, aspects: List[str], people: List[str]) -> Tuple[Dict[str, float], Interval]:
    """The mean of each aspect, and the mean over aspects with its interval."""
    if not len(values):
        return {}, Interval(*[float('inf')] * 3)
    own = [aspect for aspect in ASPECTS if aspect in aspects]
    rows = np.array([own.index(aspect) for aspect in aspects])
    names = sorted(set(people))
    columns = np.array([names.index(person) for person in people])
    sums, counts = np.zeros((2, len(own), len(names)))
    np.add.at(sums, (rows, columns), values)
    np.add.at(counts, (rows, columns), 1)

    def mean(drawn: np.ndarray) -> float:
        total, number = sums[:, drawn].sum(1), counts[:, drawn].sum(1)
        return float((total[number > 0] / number[number > 0]).mean())

    each = dict(zip(own, map(float, sums.sum(1) / counts.sum(1))))
    return each, interval(np.arange(len(names)), mean)
