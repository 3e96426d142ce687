"""Percentile bootstrap intervals."""

from typing import Callable, List, NamedTuple, Sequence, Union

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
    values = np.asarray(values)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise ValueError(f'expected a list of at least one finite number for an interval, got shape {values.shape}')
    value = float(statistic(values))
    draw = np.random.default_rng(seed).integers
    # one draw after the other: SciPy's bootstrap takes ten times as long without a vectorized statistic
    draws = [float(statistic(values[draw(len(values), size=len(values))])) for _ in range(resamples)]
    with np.errstate(invalid='ignore'):  # infinite draws
        low, high = np.percentile(draws, [50 * (1 - level), 50 * (1 + level)])
    return Interval(value, float(low), float(high))


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


def ratio_intervals(
    numerators: np.ndarray, denominators: np.ndarray, seed: int = 0, resamples: int = 1000, level: float = 0.95
) -> List[Interval]:
    """For each column, the sum of its numerators divided by that of its denominators, with its interval.

    Rows are drawn, with all of their columns; see :func:`interval`. Draws without denominators in a column are left out
    there, and a column without any is NaN.

    Args:
        numerators, denominators: ``[N, M]``, such as the correct and the labeled keypoints of each image.
    """
    numerators, denominators = np.asarray(numerators, np.float64), np.asarray(denominators, np.float64)
    number = len(numerators)
    draw = np.random.default_rng(seed).integers
    sums = []
    for _ in range(resamples if number else 0):
        times = np.bincount(draw(number, size=number), minlength=number).astype(np.float64)
        sums.append((times @ numerators, times @ denominators))
    found = []
    for column in range(numerators.shape[1]):
        total = denominators[:, column].sum()
        if not total:
            found.append(Interval(float('nan'), float('nan'), float('nan')))
            continue
        draws = [top[column] / bottom[column] for top, bottom in sums if bottom[column]]
        low, high = np.percentile(draws, [50 * (1 - level), 50 * (1 + level)])
        found.append(Interval(float(numerators[:, column].sum() / total), float(low), float(high)))
    return found
