"""Scale and rotation of the box; tests/test_parity_capellm.py has the published numbers."""

import random

import numpy as np
import pytest
from mmpose.datasets.transforms import TopdownAffine
from mmpose.registry import TRANSFORMS


def augmented(seed, **kwargs):
    np.random.seed(seed)
    random.seed(seed)
    return TRANSFORMS.build(dict(type='CapeBBoxTransform', **kwargs))(
        dict(bbox_scale=np.array([[80, 40]], np.float32), bbox_center=np.array([[50, 60]], np.float32))
    )


def test_factors_and_angles():
    """A normal factor is clipped at one standard deviation: in 16 % of the cases on each side."""
    found = [augmented(seed) for seed in range(400)]
    factors = np.array([results['bbox_scale'][0, 0] / 80 for results in found])
    angles = np.array([results['bbox_rotation'][0] for results in found])
    assert factors.min() == pytest.approx(0.7) and factors.max() == pytest.approx(1.3)
    for end in (0.7, 1.3):
        assert 0.11 < np.isclose(factors, end).mean() < 0.21
    assert factors.mean() == pytest.approx(1, abs=0.03)
    assert 0.43 < (angles != 0).mean() < 0.57 and 35 < angles.max() <= 40 and -40 <= angles.min() < -35
    assert all(results['bbox_scale'][0, 1] == results['bbox_scale'][0, 0] / 2 for results in found)
    assert found[0]['bbox_scale'].dtype == np.float32


def test_draws_in_the_published_order():
    results = augmented(3, rotate_prob=1.0)
    np.random.seed(3)
    random.seed(3)
    factor = np.clip(1 + 0.3 * np.random.randn(), 0.7, 1.3)
    random.random()
    np.testing.assert_allclose(results['bbox_scale'], [[80 * factor, 40 * factor]], rtol=1e-6)
    assert results['bbox_rotation'][0] == pytest.approx(random.uniform(-40, 40))
    assert augmented(3, rotate_prob=0.0)['bbox_rotation'].tolist() == [0]


def test_rotation_of_the_crop():
    """As published: the middle of the crop's upper edge is that of the box, turned by the angle around (50, 60).

    By 30 degrees the point (0, -40) becomes (40 sin 30, -40 cos 30).
    """
    results = augmented(0)
    results.update(
        bbox_scale=np.array([[80, 40]], np.float32),
        bbox_rotation=np.array([30], np.float32),
        img=np.zeros((120, 120, 3), np.uint8),
        keypoints=np.array([[[50, 60], [50 + 20, 60 - 40 * np.cos(np.pi / 6)]]], np.float32),
    )
    found = TopdownAffine(input_size=(56, 56))(results)['transformed_keypoints']
    np.testing.assert_allclose(found[0], [[28, 28], [28, 0]], atol=1e-4)
