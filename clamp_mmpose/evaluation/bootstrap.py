"""Percentile bootstrap intervals."""

from typing import Callable, NamedTuple, Sequence, Union

import numpy as np

Values = Union[Sequence[float], np.ndarray]


class Interval(NamedTuple):
    """A statistic of all values, and the ends of its interval."""

    value: float
    low: float
    high: float


def interval(
    values: Values,
    statistic: Callable[[np.ndarray], float] = np.mean,
    seed: int = 0,
    resamples: int = 1000,
    level: float = 0.95,
) -> Interval:
    """The percentile bootstrap interval of a statistic (Efron, 1979): values are drawn with replacement.

    A single value has an interval of zero length.

    Args:
        values: ``[N]``, finite; an index per image to draw images that have several values each.
        statistic: ``[N]`` -> a number.
        seed: of the draws; equal seeds and numbers of values draw equal positions.
        resamples: number of draws.
        level: share of the draws inside the interval.

    Raises:
        ValueError: no values, or values that are not finite.
    """
    from scipy.stats import bootstrap  # slow to import

    values = np.asarray(values)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise ValueError(f'expected a list of at least one finite number for an interval, got shape {values.shape}')
    value = float(statistic(values))
    if len(values) == 1:  # SciPy needs two
        return Interval(value, value, value)
    ends = bootstrap(
        (values,),
        lambda drawn: float(statistic(drawn)),
        n_resamples=resamples,
        batch=1,  # all resamples of a batch are in memory at the same time
        vectorized=False,
        confidence_level=level,
        method='percentile',
        random_state=np.random.default_rng(seed),
    ).confidence_interval
    return Interval(value, float(ends.low), float(ends.high))


def paired_interval(
    first: Values, second: Values, seed: int = 0, resamples: int = 1000, level: float = 0.95
) -> Interval:
    """The interval of the mean of ``first - second``, whose values i belong to the same item; see :func:`interval`.

    Raises:
        ValueError: different numbers of values, or as for :func:`interval`.
    """
    if len(first) != len(second):
        raise ValueError(f'expected pairs of values, got {len(first):,} and {len(second):,}')
    difference = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    return interval(difference, seed=seed, resamples=resamples, level=level)
