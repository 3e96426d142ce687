"""Keypoints as fractions of the network input, and as text."""

import numpy as np
import pytest
from mmpose.registry import KEYPOINT_CODECS

from clamp_mmpose.codecs import format_answer, parse_answer, parse_published


@pytest.fixture
def codec():
    return KEYPOINT_CODECS.build(dict(type='CoordinateAnswer', input_size=(200, 100)))


def test_fractions_of_width_and_height(codec):
    points = np.array([[[50, 25], [0, 0], [199.9, 99.9], [200, 50], [50, 100], [-0.1, 50], [50, 25]]], np.float32)
    encoded = codec.encode(points, np.array([[1, 1, 2, 1, 1, 1, 0]], np.float32))
    np.testing.assert_allclose(
        encoded['keypoint_labels'][0],
        [[0.25, 0.25], [0, 0], [0.9995, 0.999], [1, 0.5], [0.25, 1], [-0.0005, 0.5], [0.25, 0.25]],
        atol=1e-7,
    )
    # RegressionLabel would leave out the third, which lies in the last row and column of pixels
    assert encoded['keypoint_weights'].tolist() == [[1, 1, 1, 0, 0, 0, 0]]
    assert encoded['keypoint_labels'].dtype == encoded['keypoint_weights'].dtype == np.float32
    assert codec.encode(points)['keypoint_weights'].tolist() == [[1, 1, 1, 0, 0, 0, 1]], 'all are visible'
    decoded, scores = codec.decode(encoded['keypoint_labels'])
    np.testing.assert_allclose(decoded, points, atol=1e-4)
    assert scores.tolist() == [[1] * 7]


@pytest.mark.parametrize(
    'x, y, text',
    [
        (0.1234, 0.4566, '[0.123,0.457]'),
        (0, -0.0, '[0.000,0.000]'),
        (0.9995, 1, '[0.999,0.999]'),
        (np.float32(0.5), 0.9994, '[0.500,0.999]'),
    ],
)
def test_texts_can_be_read_back(x, y, text):
    assert format_answer(x, y) == text
    found = parse_answer(f' {text}</s>')
    assert found == parse_published(text) and found == pytest.approx((x, y), abs=0.0011)


@pytest.mark.parametrize('x, y', [(-0.001, 0.5), (0.5, 1.001), (float('nan'), 0.5), (0.5, float('inf'))])
def test_only_fractions_are_written(x, y):
    with pytest.raises(ValueError, match='x and y must be fractions from 0 to 1, got'):
        format_answer(x, y)


@pytest.mark.parametrize(
    'text, found',
    [
        ('It is at [0.25, 0.5].', (0.25, 0.5)),
        ('[1.000,0.5]', (1.0, 0.5)),
        ('[1.5,0.2] or [0.1,0.2]', (0.1, 0.2)),
        ('', None),
        ('[0.1,0.2,0.3]', None),
        ('[0.1', None),
        ('0.1,0.2', None),
        ('[10.1,0.2]', None),
    ],
)
def test_parsing(text, found):
    assert parse_answer(text) == found


def test_published_parsing_puts_zero_for_what_it_cannot_read():
    assert parse_published('[1.000,0.5]') == (0.5, 0)
    assert parse_published('[0.25,1.000]') == (0.25, 0)
    assert parse_published('nothing') == (0, 0)
