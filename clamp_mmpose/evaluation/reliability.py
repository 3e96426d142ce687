"""How well scores of keypoints agree with the share of them that is correct."""

from typing import List, NamedTuple, Sequence

import numpy as np

from clamp_mmpose.utils.calibration import logits

COLDEST, HOTTEST = 0.01, 100.0  # temperatures that are tried


class ReliabilityBin(NamedTuple):
    """The keypoints with a score from ``low`` to ``high``: their number, mean score and share that is correct.

    The last bin includes its upper end. ``score`` and ``correct`` are NaN in an empty bin.
    """

    low: float
    high: float
    count: int
    score: float
    correct: float


def reliability_table(scores: np.ndarray, correct: np.ndarray, num_bins: int = 10) -> List[ReliabilityBin]:
    """Equally wide bins of the scores.

    Args:
        scores: ``[N]``, 0 to 1; values outside are clipped.
        correct: ``[N]`` bool.
        num_bins: number of bins.
    """
    scores = np.clip(np.asarray(scores, np.float64), 0, 1)
    index = np.minimum((scores * num_bins).astype(int), num_bins - 1)
    table = []
    for i in range(num_bins):
        inside = index == i
        means = (scores[inside].mean(), correct[inside].mean()) if inside.any() else (np.nan, np.nan)
        table.append(ReliabilityBin(i / num_bins, (i + 1) / num_bins, int(inside.sum()), *map(float, means)))
    return table


def calibration_error(table: Sequence[ReliabilityBin]) -> float:
    """Expected calibration error: the bins' ``|score - correct|``, weighted by their counts; NaN without keypoints."""
    filled = [row for row in table if row.count]
    if not filled:
        return float('nan')
    return sum(row.count * abs(row.score - row.correct) for row in filled) / sum(row.count for row in filled)


def fit_temperature(scores: np.ndarray, correct: np.ndarray) -> float:
    """The temperature T that makes ``sigmoid(logit(score) / T)`` the most likely probability of ``correct``.

    It minimizes the negative log likelihood (Guo et al., ICML 2017), from 0.01 to 100. It is 1 if all keypoints are
    correct or none is, since no temperature fits them.

    Args:
        scores: ``[N]``, 0 to 1; values outside are clipped.
        correct: ``[N]`` bool.
    """
    from scipy.optimize import minimize_scalar  # slow to import

    if correct.all() or not correct.any():
        return 1.0
    margins = np.where(correct, 1, -1) * logits(scores)

    def loss(log_temperature: float) -> float:
        return float(np.logaddexp(0, -margins / np.exp(log_temperature)).mean())

    limits = float(np.log(COLDEST)), float(np.log(HOTTEST))
    return float(np.exp(minimize_scalar(loss, bounds=limits, method='bounded', options=dict(xatol=1e-7)).x))
