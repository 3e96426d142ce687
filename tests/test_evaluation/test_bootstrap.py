import numpy as np
import pytest
import scipy.stats

from clamp_mmpose.evaluation.bootstrap import Interval, interval, paired_interval


def test_interval_of_two_values():
    # a mean of two draws is 0, 1/2, 1/2 or 1: each end lies in a tail of 25 %
    assert interval([0, 1]) == Interval(0.5, 0, 1)
    # of 1000 draws, about 500 means are 1/2: the middle 40 % lie there
    assert interval([0, 1], level=0.4) == Interval(0.5, 0.5, 0.5)
    assert interval([3, 7], statistic=np.max) == Interval(7, 3, 7)


def test_interval_is_as_wide_as_the_standard_error_of_normal_values():
    values = np.random.default_rng(1).normal(5, 2, 400)
    value, low, high = interval(values, resamples=4000)
    assert value == pytest.approx(values.mean())
    error = values.std() / 20  # sqrt(400)
    assert low == pytest.approx(value - 1.96 * error, abs=0.1 * error)
    assert high == pytest.approx(value + 1.96 * error, abs=0.1 * error)


def test_interval_is_that_of_scipy():
    values = np.random.default_rng(3).exponential(size=70)
    expected = scipy.stats.bootstrap(
        (values,),
        np.median,
        n_resamples=500,
        confidence_level=0.9,
        method='percentile',
        random_state=np.random.default_rng(5),
    ).confidence_interval
    found = interval(values, np.median, seed=5, resamples=500, level=0.9)
    assert (found.low, found.high) == pytest.approx(tuple(expected))


def test_interval_is_repeatable():
    values = np.arange(50.0)
    assert interval(values) == interval(values)
    assert interval(values) != interval(values, seed=1)


def test_paired_interval_leaves_out_what_items_have_in_common():
    common = np.random.default_rng(2).normal(0, 100, 60)
    assert paired_interval(common + [1, 2, 3] * 20, common) == pytest.approx(interval([1, 2, 3] * 20), abs=1e-9)


def test_a_single_value():
    assert interval([4.5]) == Interval(4.5, 4.5, 4.5)


@pytest.mark.parametrize('values', [[], [1, float('nan')], [[1, 2], [3, 4]]])
def test_values_without_an_interval(values):
    with pytest.raises(ValueError, match='expected a list of at least one finite number'):
        interval(values)


def test_pairs_of_different_numbers():
    with pytest.raises(ValueError, match='expected pairs of values, got 2 and 3'):
        paired_interval([1, 2], [1, 2, 3])
