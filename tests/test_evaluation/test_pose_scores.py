"""Numbers of pose errors, retrieval and FID that can be worked out by hand."""

import logging

import numpy as np
import pytest
import scipy.linalg
import scipy.stats
import torch
from mmengine.logging import MMLogger

from clamp_mmpose.evaluation.poses import (
    aligned,
    collapsed,
    frechet_distance,
    mpjpe,
    pa_mpjpe,
    r_precision,
    retrieve,
)

# a square with a side of 2 m, and a point above its center
POINTS = np.array([[1, 1, 0], [-1, 1, 0], [-1, -1, 0], [1, -1, 0], [0, 0, 1.0]])


def test_mpjpe_by_hand():
    moved = POINTS + np.array([0.3, 0.4, 0])  # each joint is 0.5 m away
    moved[4] += [0, 0, 2]
    first, second = moved[None], POINTS[None]
    assert mpjpe(first, second) == pytest.approx((4 * 500 + 1000 * np.sqrt(0.25 + 4)) / 5)
    assert mpjpe(first, second, 0) == pytest.approx(2000 / 5)
    assert mpjpe(first, second, (0, 4)) == pytest.approx((4 * 1000 + 1000) / 5)  # the root is 1 m too high
    mask = np.array([[1, 1, 1, 1, 0]], bool)
    assert mpjpe(first, second, mask=mask) == pytest.approx(500)
    assert mpjpe(first, second, 4, mask=mask) == pytest.approx(2000)
    assert mpjpe(torch.tensor(first), torch.tensor(second)).dtype == np.float64


def test_alignment_finds_scale_turn_and_shift():
    turn = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1.0]])
    first = 3 * POINTS @ turn + [5, -7, 2]
    np.testing.assert_allclose(aligned(first[None], POINTS[None])[0], POINTS, atol=1e-12)
    # a joint that does not count moves with the others
    wrong = first.copy()
    wrong[4] += [0, 0, 3]
    mask = np.array([[1, 1, 1, 1, 0]])
    np.testing.assert_allclose(aligned(wrong[None], POINTS[None], mask)[0, 4], [0, 0, 2], atol=1e-12)
    assert pa_mpjpe(wrong[None], POINTS[None], mask) == pytest.approx(0, abs=1e-9)


def test_poses_of_a_batch_do_not_mix():
    batch = np.random.default_rng(0).normal(size=(7, 14, 3))
    target = np.random.default_rng(1).normal(size=(7, 14, 3))
    each = [pa_mpjpe(batch[[i]], target[[i]])[0] for i in range(7)]
    np.testing.assert_allclose(pa_mpjpe(batch, target), each, rtol=1e-12)
    assert (pa_mpjpe(batch, target) <= mpjpe(batch, target)).all()


def test_collapsed_predictions():
    first = np.stack([POINTS, np.full((5, 3), 0.1), POINTS, np.zeros((5, 3))])
    target = np.stack([POINTS] * 4)
    assert collapsed(first).tolist() == [False, True, False, True]
    with pytest.raises(ValueError, match='2 of 4 predictions have all joints in one place, the first is 1'):
        pa_mpjpe(first, target)
    np.testing.assert_allclose(pa_mpjpe(target[:1], np.full((1, 5, 3), 2.0)), 0, atol=1e-9)  # the target may


@pytest.mark.parametrize(
    'first, second, mask, message',
    [
        (np.zeros((2, 5, 2)), np.zeros((2, 5, 2)), None, r'two arrays \[N, K, 3\]'),
        (np.zeros((2, 5, 3)), np.zeros((1, 5, 3)), None, r'got \[2, 5, 3\] and \[1, 5, 3\]'),
        (np.full((2, 5, 3), np.nan), np.zeros((2, 5, 3)), None, '2 of 2 poses are not finite, the first is 0'),
        (np.zeros((2, 5, 3)), np.zeros((2, 5, 3)), np.eye(2, 5) * [[1], [0]], 'pose 1 has no joint that counts'),
        (np.zeros((2, 5, 3)), np.zeros((2, 5, 3)), np.ones((2, 4)), r'expected a mask \[2, 5\]'),
    ],
)
def test_wrong_poses(first, second, mask, message):
    with pytest.raises(ValueError, match=message):
        mpjpe(first, second, mask=mask)


def test_retrieval_by_hand():
    # cosines of queries (rows) and entries: the right one is first, second with a tie, third
    query = np.eye(3)
    gallery = np.array([[0.9, 0.5, 0.3], [0.2, 0.5, 0.6], [0.1, 0.7, 0.1]])
    found = retrieve(query, gallery, [1, 2, 3])
    # query 0: 0.9 0.2 0.1; query 1: 0.5 0.5 0.7; query 2: 0.3 0.6 0.1
    assert found.recall == pytest.approx({1: 100 / 3, 2: 50, 3: 100})
    assert [found.published[k] for k in (1, 3)] == pytest.approx([100 / 3, 100])
    assert found.published[2] in (pytest.approx(100 / 3), pytest.approx(200 / 3))  # a tie
    assert (found.tied, found.pool) == (1, 3)
    assert found.expected_rank == pytest.approx((1 + 2.5 + 3) / 3)


def test_r_precision_is_that_of_random_draws():
    generator = np.random.default_rng(2)
    query = generator.normal(size=(200, 8))
    gallery = query + 2 * generator.normal(size=(200, 8))
    scores = query @ gallery.T
    better = (scores > scores.diagonal()[:, None]).sum(1)
    # of 31 others out of 199, fewer than k are better
    expected = {k: 100 * scipy.stats.hypergeom.cdf(k - 1, 199, better, 31).mean() for k in (1, 2, 3)}
    found = r_precision(query, gallery, repetitions=40)
    assert found == pytest.approx(expected, abs=1)
    assert found[1] > retrieve(query, gallery, [1]).recall[1] + 10  # a small pool is another number
    assert r_precision(query, gallery, seed=1, repetitions=1) == r_precision(query, gallery, seed=1, repetitions=1)
    whole = r_precision(query, gallery, (1, 5), pool=200, repetitions=1)
    assert whole == pytest.approx(retrieve(query, gallery, (1, 5)).recall)
    with pytest.raises(ValueError, match='at most all 200 entries'):
        r_precision(query, gallery, pool=201)


def test_r_precision_by_mean_ranks():
    # each pool is the whole gallery: the ranks from 0 are 0, 1, and 0.5 of a tie
    gallery = np.asarray([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]])
    query = np.asarray([[3.0, 1, 2], [3, 2, 1], [1, 2, 2]])
    found = r_precision(query, gallery, (1, 2), pool=3, published=True)
    assert found == pytest.approx({1: 200 / 3, 2: 100})
    # the first query is found in two of three pools, a mean rank of 1/3; the others are ties
    query, gallery = np.asarray([[1.0], [0], [0], [0]]), np.asarray([[1.0], [2], [0], [0]])
    each, mean = (r_precision(query, gallery, (1,), 2, 100, published=published)[1] for published in (False, True))
    assert mean == 100 and each == pytest.approx((200 / 3 + 150) / 4, abs=4)


def test_wrong_embeddings():
    with pytest.raises(ValueError, match=r'got \[3, 3\] and \[2, 3\]'):
        retrieve(np.eye(3), np.eye(3)[:2])
    with pytest.raises(ValueError, match='not finite'):
        retrieve(np.eye(3), np.full((3, 3), np.inf))


def test_frechet_distance_is_that_of_the_matrix_root():
    generator = np.random.default_rng(3)
    first, second = generator.normal(size=(50, 4)) @ generator.normal(size=(4, 4)), generator.normal(1, 2, (60, 4))
    covariances = [np.cov(values.T) for values in (first, second)]
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    expected = np.square(first.mean(0) - second.mean(0)).sum() + np.trace(covariances[0] + covariances[1] - 2 * root)
    assert frechet_distance(first, second).value == pytest.approx(expected, abs=1e-9)
    one = frechet_distance(first[:, :1], second[:, :1]).value
    spread = first[:, 0].std(ddof=1) - second[:, 0].std(ddof=1)
    assert one == pytest.approx((first[:, 0].mean() - second[:, 0].mean()) ** 2 + spread**2)


def test_few_samples_for_a_frechet_distance(caplog):
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    values = np.random.default_rng(4).normal(size=(12, 6))
    try:
        with caplog.at_level(logging.WARNING):
            frechet_distance(values, values)
            assert not caplog.records
            found = frechet_distance(values[:6], values)
    finally:
        logger.removeHandler(caplog.handler)
    assert 'FID: 6 samples in 6 dimensions' in caplog.text
    assert (found.samples, found.dimensions) == ((6, 12), 6) and found.value >= 0
    with pytest.raises(ValueError, match='two samples or more'):
        frechet_distance(values[:1], values)
