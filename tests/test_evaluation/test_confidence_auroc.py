import math

import numpy as np
import pytest
import torch
from mmpose.registry import METRICS

from clamp_mmpose.evaluation.metrics.confidence_auroc import auroc


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
