from typing import Any, Dict, List, Sequence

import numpy as np
from mmengine.evaluator import BaseMetric
from mmpose.registry import METRICS


@METRICS.register_module()
class ConfidenceAUROC(BaseMetric):
    """How well confidence separates keypoints that are in the image from those that are not: ``AUROC``.

    The probability that a visible keypoint gets a higher score than an absent one; ties count half, 0.5 is chance.
    For data in which unlabeled keypoints are absent, unlike MP-100.
    """

    default_prefix = 'confidence'

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Store ``pred_instances['keypoint_scores']`` and ``gt_instances['keypoints_visible']``, ``[1, K]`` each."""
        for sample in data_samples:
            scores = np.asarray(sample['pred_instances']['keypoint_scores'], np.float64)[0]
            visible = np.asarray(sample['gt_instances']['keypoints_visible'])[0]
            if visible.ndim == 2:  # MMPose may pack weights with the visibility
                visible = visible[:, 0]
            self.results.append((scores, visible > 0))

    def compute_metrics(self, results: List[tuple]) -> Dict[str, float]:
        """The area under the curve, and the number of visible and of absent keypoints."""
        scores, visible = (np.concatenate(parts) for parts in zip(*results))
        return dict(AUROC=auroc(scores, visible), visible=int(visible.sum()), absent=int((~visible).sum()))


def auroc(scores: np.ndarray, positive: np.ndarray) -> float:
    """Area under the ROC curve: scores ``[N]``, positive ``[N]`` bool; NaN if all are of one kind."""
    from scipy.stats import mannwhitneyu  # slow to import

    if positive.all() or not positive.any():
        return float('nan')
    wins = mannwhitneyu(scores[positive], scores[~positive], method='asymptotic').statistic  # ties count half
    return float(wins / (positive.sum() * (~positive).sum()))
