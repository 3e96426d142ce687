from typing import Any, Dict, List, Sequence

import numpy as np
from mmengine.evaluator import BaseMetric
from mmpose.registry import METRICS


@METRICS.register_module()
class ConfidenceAUROC(BaseMetric):
    """How well confidence tells keypoints that are in the picture from those that are not: ``AUROC``.

    The chance that a visible keypoint is given a higher score than one that is not, ties counting half: 0.5 is
    guessing. For data in which an unlabelled keypoint is absent, which MP-100's are not.
    """

    default_prefix = 'confidence'

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep ``pred_instances['keypoint_scores']`` and ``gt_instances['keypoints_visible']``, ``[1, K]`` each."""
        for sample in data_samples:
            scores = np.asarray(sample['pred_instances']['keypoint_scores'], np.float64)[0]
            visible = np.asarray(sample['gt_instances']['keypoints_visible'])[0]
            if visible.ndim == 2:  # MMPose may pack weights beside visibility
                visible = visible[:, 0]
            self.results.append((scores, visible > 0))

    def compute_metrics(self, results: List[tuple]) -> Dict[str, float]:
        """The area under the curve, and how many keypoints of each kind it is made of."""
        scores, visible = (np.concatenate(parts) for parts in zip(*results))
        return dict(AUROC=auroc(scores, visible), visible=int(visible.sum()), absent=int((~visible).sum()))


def auroc(scores: np.ndarray, positive: np.ndarray) -> float:
    """Area under the ROC curve by ranks: scores ``[N]``, positive ``[N]`` bool; NaN where all are of one kind."""
    number = int(positive.sum())
    if number in (0, len(positive)):
        return float('nan')
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    # equal scores share the mean of their ranks
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse.reshape(-1)]
    return float((ranks[positive].sum() - number * (number + 1) / 2) / (number * (len(positive) - number)))
