from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from mmpose.registry import METRICS

from clamp_mmpose.evaluation.reliability import ReliabilityBin, calibration_error, fit_temperature, reliability_table
from clamp_mmpose.utils.calibration import calibrated


@METRICS.register_module()
class ConfidenceAUROC(BaseMetric):
    """What the confidence of keypoints says: ``AUROC``, visible against hidden, and how reliable it is.

    ``AUROC`` is the probability that a visible keypoint gets a higher score than an absent one; ties count half, 0.5 is
    chance, NaN if there is only one kind. It is for data in which unlabeled keypoints are absent, unlike MP-100.

    Reliability compares the scores of visible keypoints with the share of them that is correct (Guo et al., "On
    Calibration of Modern Neural Networks", ICML 2017). It logs a table and returns the expected calibration error
    ``ECE``, the share of keypoints that are ``correct``, the ``temperature`` that calibrates these scores, and
    ``ECE_calibrated``, the error after it. Put the temperature of validation data into ``model.test_cfg.temperature``,
    and read ``ECE`` on other data. If the scores have a temperature already, multiply the two.

    Scores are taken as probabilities, 0 to 1 without unit; values outside, as heatmaps may have, are clipped. So the
    scores of any head will do: the maximum of a similarity (TextQueryHead) or of a heatmap (CLAMPHead), the probability
    around an answer (CapeLLMHead).

    Args:
        threshold: a keypoint is correct if it is nearer to the label than ``threshold`` times the longer side of the
            instance's box, as in PCK.
        num_bins: of the table, equally wide.
        collect_device, prefix, collect_dir: as for MMEngine's ``BaseMetric``.

    Raises:
        ValueError: ``threshold`` or ``num_bins`` is not positive; later, scores that are not finite.
    """

    default_prefix = 'confidence'

    def __init__(
        self,
        threshold: float = 0.1,
        num_bins: int = 10,
        collect_device: str = 'cpu',
        prefix: Optional[str] = None,
        collect_dir: Optional[str] = None,
    ) -> None:
        if not threshold > 0 or num_bins < 1:
            raise ValueError(f'threshold={threshold}, num_bins={num_bins}: expected positive numbers.')
        super().__init__(collect_device=collect_device, prefix=prefix, collect_dir=collect_dir)
        self.threshold = threshold
        self.num_bins = num_bins

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Store the scores of a batch.

        Args:
            data_samples: each with ``pred_instances['keypoint_scores']`` and ``gt_instances['keypoints_visible']``
                ``[1, K]``, and for the reliability ``keypoints [1, K, 2]`` of both, (x, y), and
                ``gt_instances['bboxes'] [1, 4]``, (x1, y1, x2, y2), in pixels of the original image.
        """
        for sample in data_samples:
            found, truth = sample['pred_instances'], sample['gt_instances']
            scores = np.asarray(found['keypoint_scores'], np.float64)[0]
            visible = np.asarray(truth['keypoints_visible'])[0]
            if visible.ndim == 2:  # MMPose may pack weights with the visibility
                visible = visible[:, 0]
            errors = None
            if all(key in truth for key in ('keypoints', 'bboxes')) and 'keypoints' in found:
                errors = _errors(found['keypoints'], truth['keypoints'], truth['bboxes'])
            self.results.append((scores, visible > 0, errors))

    def compute_metrics(self, results: List[tuple]) -> Dict[str, float]:
        """The scores over all processes; without labels of positions, ``AUROC`` and the counts alone."""
        scores, visible = (np.concatenate(parts) for parts in list(zip(*results))[:2])
        if not np.isfinite(scores).all():
            raise ValueError(
                f'{(~np.isfinite(scores)).sum():,} of {len(scores):,} keypoint scores are not finite: the model has '
                'diverged or damaged weights; use an earlier checkpoint.'
            )
        metrics = dict(AUROC=auroc(scores, visible), visible=int(visible.sum()), absent=int((~visible).sum()))
        located = [(own[shown], errors[shown]) for own, shown, errors in results if errors is not None]
        if sum(len(own) for own, _ in located):
            own, errors = (np.concatenate(parts) for parts in zip(*located))
            metrics.update(self._reliability(own, errors < self.threshold))
        return metrics

    def _reliability(self, scores: np.ndarray, correct: np.ndarray) -> Dict[str, float]:
        table = reliability_table(scores, correct, self.num_bins)
        temperature = fit_temperature(scores, correct)
        after = reliability_table(calibrated(scores, temperature), correct, self.num_bins)
        metrics = dict(
            ECE=calibration_error(table),
            correct=float(correct.mean()),
            temperature=temperature,
            ECE_calibrated=calibration_error(after),
        )
        fit = f'temperature {temperature:.4f}, the error after it {metrics["ECE_calibrated"]:.4f}'
        if correct.all() or not correct.any():
            fit = f'no temperature fitted: {"all" if correct.all() else "none"} are correct'
        print_log(
            f'Scores of {len(scores):,} visible keypoints; correct: within {self.threshold:g} of the longer side of '
            f'the box\n{_lines(table)}\nexpected calibration error {metrics["ECE"]:.4f}; {fit}',
            logger='current',
        )
        return metrics


def _errors(found: Any, truth: Any, boxes: Any) -> np.ndarray:
    """Distances ``[K]`` of one instance's keypoints ``[1, K, 2]``, as shares of the longer side of its box.

    Without a side it is infinite, as such instances have a PCK of 0.
    """
    found, truth, box = (np.asarray(values, np.float64)[0] for values in (found, truth, boxes))
    side = max(box[2] - box[0], box[3] - box[1])
    distances = np.linalg.norm(found[:, :2] - truth[:, :2], axis=-1)
    return distances / side if side > 0 else np.full_like(distances, np.inf)


def _lines(table: Sequence[ReliabilityBin]) -> str:
    lines = [f'{"score":>9}  {"keypoints":>9}  {"mean score":>10}  {"correct":>7}']
    for row in table:
        means: Tuple[str, str] = (f'{row.score:.3f}', f'{row.correct:.3f}') if row.count else ('-', '-')
        lines.append(f'{f"{row.low:.2f}-{row.high:.2f}":>9}  {row.count:>9,}  {means[0]:>10}  {means[1]:>7}')
    return '\n'.join(lines)


def auroc(scores: np.ndarray, positive: np.ndarray) -> float:
    """Area under the ROC curve: scores ``[N]``, positive ``[N]`` bool; NaN if all are of one kind."""
    from scipy.stats import mannwhitneyu  # slow to import

    if positive.all() or not positive.any():
        return float('nan')
    wins = mannwhitneyu(scores[positive], scores[~positive], method='asymptotic').statistic  # ties count half
    return float(wins / (positive.sum() * (~positive).sum()))
