from typing import List, NamedTuple, Sequence, Tuple

import numpy as np

from clamp_mmpose.evaluation.keypoints.scored_instance import ScoredInstance
from clamp_mmpose.evaluation.reliability import ReliabilityBin, calibration_error, fit_temperature, reliability_table
from clamp_mmpose.utils.calibration import calibrated


class Confidence(NamedTuple):
    """What the scores of labeled keypoints say.

    Args:
        scores: ``[N]``.
        table: reliability by score.
        kept: for each bin of the table, the share of keypoints with at least its lower end as score, and the share of
            these that is correct; NaN without any.
        error: expected calibration error.
        correct: share of all.
        temperature: that calibrates the scores, and ``error_after`` it.
    """

    scores: np.ndarray
    table: List[ReliabilityBin]
    kept: List[Tuple[float, float]]
    error: float
    correct: float
    temperature: float
    error_after: float


def confidence(instances: Sequence[ScoredInstance], threshold: float = 0.1) -> Confidence:
    """How well scores agree with being correct, nearer than ``threshold`` times the longer side of the box.

    Args:
        instances: at least one, with labels.
    """
    errors = np.concatenate([one.errors for one in instances])
    labeled = ~np.isnan(errors)
    scores = np.concatenate([one.scores for one in instances])[labeled]
    correct = errors[labeled] < threshold
    table = reliability_table(scores, correct)
    temperature = fit_temperature(scores, correct)
    after = reliability_table(calibrated(scores, temperature), correct)
    kept = []
    for row in table:
        above = (scores >= row.low) | (row.low == 0)  # a score below 0 is in the first bin
        kept.append((float(above.mean()), float(correct[above].mean()) if above.any() else float('nan')))
    return Confidence(
        scores,
        table,
        kept,
        calibration_error(table),
        float(correct.mean()),
        temperature,
        calibration_error(after),
    )
