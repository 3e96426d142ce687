import math
from numbers import Real
from typing import Any

import numpy as np

EPSILON = 1e-6  # scores of 0 and 1 have no logit, those of heatmaps may lie outside


def calibrated(scores: Any, temperature: float = 1.0) -> Any:
    """Scores divided by a temperature as logits (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017).

    Args:
        scores: array of any shape, 0 to 1; values outside are clipped.
        temperature: above 1 moves scores towards 0.5, below 1 away from it; 1 returns the scores unchanged. See
            :class:`ConfidenceAUROC`, which fits it.

    Raises:
        ValueError: the temperature is not a positive finite number.
    """
    if isinstance(temperature, bool) or not isinstance(temperature, Real) or not 0 < temperature < math.inf:
        raise ValueError(f'temperature={temperature!r}, expected a positive number, 1 for scores as they are.')
    if temperature == 1:
        return scores
    scores = np.asarray(scores)
    return (1 / (1 + np.exp(-logits(scores) / temperature))).astype(scores.dtype)


def logits(scores: np.ndarray) -> np.ndarray:
    """``log(p / (1 - p))`` of scores clipped to [1e-6, 1 - 1e-6], in float64."""
    clipped = np.clip(np.asarray(scores, np.float64), EPSILON, 1 - EPSILON)
    return np.log(clipped) - np.log1p(-clipped)
