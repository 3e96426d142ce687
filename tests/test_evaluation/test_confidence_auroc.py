import json
import math

import numpy as np
import pytest
import torch
from mmpose.registry import METRICS
from scipy.stats import bernoulli
from two_processes import run_in_two_processes

from clamp_mmpose.evaluation.metrics import confidence_auroc
from clamp_mmpose.evaluation.metrics.confidence_auroc import auroc
from clamp_mmpose.evaluation.reliability import calibration_error, fit_temperature, reliability_table
from clamp_mmpose.utils.calibration import calibrated


def test_by_hand():
    """Visible .9, .8, .3 against absent .5, .1: five of the six pairs are in the right order."""
    assert auroc(np.array([0.9, 0.5, 0.8, 0.1, 0.3]), np.array([1, 0, 1, 0, 1], bool)) == pytest.approx(5 / 6)


def test_ties_count_half():
    """Visible .5, .7 against absent .5, .5: two wins, two ties."""
    assert auroc(np.array([0.5, 0.7, 0.5, 0.5]), np.array([1, 1, 0, 0], bool)) == pytest.approx((2 + 2 * 0.5) / 4)
    assert auroc(np.ones(4), np.array([1, 1, 0, 0], bool)) == 0.5


def test_against_all_pairs():
    rng = np.random.default_rng(0)
    scores, positive = rng.integers(0, 9, 60), rng.uniform(size=60) > 0.7
    pairs = [(a > b) + 0.5 * (a == b) for a in scores[positive] for b in scores[~positive]]
    assert auroc(scores, positive) == pytest.approx(np.mean(pairs))
    assert math.isnan(auroc(scores, np.ones(60, bool)))


def test_metric():
    metric = METRICS.build(dict(type='ConfidenceAUROC'))
    for scores, visible in (([0.9, 0.5, 0.8], [1.0, 0.0, 1.0]), ([0.1, 0.3], [0.0, 1.0])):
        metric.process(
            {},
            [
                dict(
                    pred_instances=dict(keypoint_scores=np.array([scores])),
                    gt_instances=dict(keypoints_visible=torch.tensor([visible])),
                )
            ],
        )
    assert metric.evaluate(2) == {
        'confidence/AUROC': pytest.approx(5 / 6),
        'confidence/visible': 3,
        'confidence/absent': 2,
    }


def sample(scores, distances, visible=None, box=(10, 20, 60, 120)):
    """An instance whose keypoints are found at some distances from their labels, in pixels; its longer side is 100."""
    truth = np.full((1, len(scores), 2), 50.0)
    found = truth + np.stack([np.array(distances) * 0.6, np.array(distances) * -0.8], axis=-1)
    visible = np.ones(len(scores)) if visible is None else visible
    return dict(
        pred_instances=dict(keypoint_scores=np.array([scores]), keypoints=found),
        gt_instances=dict(keypoints_visible=np.array([visible]), keypoints=truth, bboxes=np.array([box])),
    )


def evaluate(samples, **kwargs):
    metric = METRICS.build(dict(type='ConfidenceAUROC', **kwargs))
    for one in samples:
        metric.process({}, [one])
    return metric.evaluate(len(samples))


def test_table_by_hand():
    """.05 and .12 of the left half, .5 of the right one as bins include their lower end; 1 belongs to the last bin."""
    scores, correct = np.array([0.05, 0.12, 0.5, 0.9, 1.0]), np.array([0, 1, 1, 1, 0], bool)
    low, high = reliability_table(scores, correct, 2)
    assert low == (0, 0.5, 2, pytest.approx(0.085), 0.5)
    assert high == (0.5, 1, 3, pytest.approx(0.8), pytest.approx(2 / 3))
    assert calibration_error((low, high)) == pytest.approx((2 * (0.5 - 0.085) + 3 * (0.8 - 2 / 3)) / 5)
    table = reliability_table(scores, correct)
    assert [row.count for row in table] == [1, 1, 0, 0, 0, 1, 0, 0, 0, 2]
    assert math.isnan(table[2].score) and math.isnan(table[2].correct)
    assert calibration_error(table) == pytest.approx((0.05 + 0.88 + 0.5 + 2 * 0.45) / 5)
    outside = reliability_table(np.array([-0.3, 1.2]), np.ones(2, bool), 2)  # heatmaps
    assert [(row.count, row.score) for row in outside] == [(1, 0), (1, 1)]


def test_temperature_by_hand():
    """Ten scores of .9, seven of them correct: sigmoid(ln 9 / T) = .7 for T = ln 9 / ln (7 / 3)."""
    scores, correct = np.full(10, 0.9), np.arange(10) < 7
    expected = math.log(9) / math.log(7 / 3)
    assert expected == pytest.approx(2.59321, abs=1e-5)
    assert fit_temperature(scores, correct) == pytest.approx(expected, rel=1e-5)
    assert calibrated(scores, expected) == pytest.approx(0.7)
    assert fit_temperature(np.full(4, 0.6), np.array([1, 1, 1, 0], bool)) == pytest.approx(
        math.log(1.5) / math.log(3), rel=1e-5
    )


def test_temperature_without_a_fit():
    assert fit_temperature(np.array([0.2, 0.9]), np.ones(2, bool)) == 1
    assert fit_temperature(np.array([0.2, 0.9]), np.zeros(2, bool)) == 1
    assert fit_temperature(np.array([0.2, 0.9]), np.array([1, 0], bool)) == pytest.approx(100, rel=1e-3)
    assert fit_temperature(np.array([0.2, 0.9]), np.array([0, 1], bool)) == pytest.approx(0.01, rel=1e-2)
    assert np.isfinite(fit_temperature(np.array([0.0, 1, 1.4, -0.1]), np.array([1, 1, 0, 0], bool)))


def test_temperature_against_all_of_a_grid():
    """Overconfident scores of 2,000 keypoints: the likelihood by SciPy, at each temperature from 1 to 5 in .001."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0.5, 1.5, 2000)
    correct = rng.uniform(size=2000) < 1 / (1 + np.exp(-logits))
    scores = 1 / (1 + np.exp(-2.5 * logits))
    grid = np.arange(1, 5, 0.001)
    likelihood = [bernoulli.logpmf(correct, 1 / (1 + np.exp(-2.5 * logits / t))).sum() for t in grid]
    found = fit_temperature(scores, correct)
    assert found == pytest.approx(grid[np.argmax(likelihood)], abs=1e-3) and 2.2 < found < 2.8
    error, after = (
        calibration_error(reliability_table(values, correct)) for values in (scores, calibrated(scores, found))
    )
    assert after < 0.03 < 0.1 < error


def test_calibrated_scores():
    scores = np.array([[0.2, 0.5, 1.3]], np.float32)
    assert calibrated(scores) is scores
    cold = calibrated(scores, 0.5)
    assert cold.dtype == np.float32
    assert cold[0, :2] == pytest.approx([1 / 17, 0.5])  # odds of 1/4, squared
    assert 0.999 < cold[0, 2] <= 1
    for wrong in (0, -1, math.nan, math.inf, True, '2'):
        with pytest.raises(ValueError, match='expected a positive number'):
            calibrated(scores, wrong)


def test_reliability_of_the_metric():
    """Of five visible keypoints at .9, those nearer than 10 of 100 pixels are correct; the hidden one is left out."""
    samples = [
        sample([0.9, 0.9, 0.9, 0.3], [0, 9.9, 10.1, 0], [1, 1, 1, 0]),
        sample([0.9, 0.9], [4, 5], [2, 1], box=(0, 0, 45, 20)),  # limit 4.5
    ]
    found = evaluate(samples)
    temperature = math.log(9) / math.log(1.5)
    assert found == {
        'confidence/AUROC': 1.0,
        'confidence/visible': 5,
        'confidence/absent': 1,
        'confidence/ECE': pytest.approx(0.3),
        'confidence/correct': pytest.approx(0.6),
        'confidence/temperature': pytest.approx(temperature, rel=1e-5),
        'confidence/ECE_calibrated': pytest.approx(0, abs=1e-6),
    }
    json.dumps(found, allow_nan=False)
    assert evaluate(samples, threshold=0.2)['confidence/correct'] == 1
    assert evaluate(samples, threshold=0.2)['confidence/temperature'] == 1
    assert evaluate(samples, num_bins=1)['confidence/ECE'] == pytest.approx(0.3)


def test_reliability_without_visible_keypoints_and_without_a_box():
    assert evaluate([sample([0.5, 0.4], [0, 0], [0, 0])]).keys() == {
        'confidence/AUROC',
        'confidence/visible',
        'confidence/absent',
    }
    degenerate = evaluate([sample([0.9, 0.5], [0, 3], box=(5, 5, 5, 5))])
    assert degenerate['confidence/correct'] == 0 and degenerate['confidence/ECE'] == pytest.approx(0.7)


def test_table_is_logged(monkeypatch):
    logged = []
    monkeypatch.setattr(confidence_auroc, 'print_log', lambda message, **_: logged.append(message))
    evaluate([sample([0.2, 0.9, 0.9], [0, 0, 30])], num_bins=2)
    evaluate([sample([0.2, 0.9], [0, 0])], num_bins=2)
    assert '0.00-0.50          1       0.200    1.000\n0.50-1.00          2       0.900    0.500' in logged[0]
    assert 'no temperature fitted: all are correct' in logged[1]


@pytest.mark.parametrize('arguments', [dict(threshold=0), dict(threshold=math.nan), dict(num_bins=0)])
def test_unusable_arguments(arguments):
    with pytest.raises(ValueError, match='expected positive numbers'):
        METRICS.build(dict(type='ConfidenceAUROC', **arguments))


def test_scores_that_are_not_finite():
    with pytest.raises(ValueError, match='1 of 2 keypoint scores are not finite'):
        evaluate([sample([0.5, math.nan], [0, 0])])


def _drawn(number=9):
    rng = np.random.default_rng(1)
    return [
        sample(rng.uniform(0.3, 1, 1 + i % 4), rng.uniform(0, 20, 1 + i % 4), rng.integers(0, 3, 1 + i % 4))
        for i in range(number)
    ]


def _evaluate_share(rank, folder):
    samples = _drawn()
    metric = METRICS.build(dict(type='ConfidenceAUROC'))
    metric.process({}, (samples + samples[:1])[rank::2])  # the sampler repeats the first, for equal shares
    found = metric.evaluate(len(samples))
    (folder / f'{rank}.json').write_text(json.dumps(found, allow_nan=False))


def test_two_processes_equal_one(tmp_path):
    run_in_two_processes(_evaluate_share, tmp_path)
    expected = evaluate(_drawn())
    assert expected['confidence/temperature'] not in (1, 0.01, 100)
    for rank in range(2):
        assert json.loads((tmp_path / f'{rank}.json').read_text()) == pytest.approx(expected)
