import numpy as np
import pytest

from clamp_mmpose.language.image_facts import Instance
from clamp_mmpose.language.keypoint_layout import between, keypoint_layout
from clamp_mmpose.language.keypoint_sentences import keypoint_sentences, plain_names

# a beetle from above, head up, in the box (0, 0, 60, 80), whose diagonal is 100
NAMES = ['head', 'leftwing', 'rightwing', 'tail', 'left horn', 'never']
POINTS = np.array([[30, 0], [10, 40], [50, 40], [30, 80], [20, 0], [0, 0]], float)
FLIPS = [0, 2, 1, 3, 4, 5]
VISIBILITY = np.array([2, 2, 1, 2, 2, 0])


def beetle(points=POINTS, box=(0, 0, 60, 80), visibility=VISIBILITY):
    return Instance('beetle', box, points, visibility)


def test_statistics_are_those_of_the_boxes():
    moved = beetle(POINTS * 2 + np.array([100, 50]), (100, 50, 220, 210))  # twice as large, elsewhere
    layout = keypoint_layout([beetle(), moved])
    assert np.allclose(layout.mean[:5], [[0.5, 0], [1 / 6, 0.5], [5 / 6, 0.5], [0.5, 1], [1 / 3, 0]])
    assert np.allclose(layout.spread[:5], 0) and np.isnan(layout.mean[5]).all()
    assert layout.labeled.tolist() == [1, 1, 1, 1, 1, 0]
    assert layout.distances[0, 3] == pytest.approx(0.8) and layout.distances[1, 2] == pytest.approx(0.4)
    assert np.isnan(layout.distances[5]).all()
    # 0 and 4 are 10 apart, 0 and 1 sqrt(20^2 + 40^2)
    assert layout.neighbors(0) == [4, 1, 2, 3] and layout.neighbors(5) == []
    # head to tail over a wing: 2 sqrt(2000) / 80
    assert layout.detour(1, 0, 3) == pytest.approx(2 * 2000**0.5 / 80)
    assert set(between(layout, 2, FLIPS)) == {0, 3}
    assert between(layout, 0, FLIPS) is None  # 10 from the horn is too near to that end


def test_means_leave_out_what_is_not_labeled():
    hidden = beetle(POINTS + 1000, visibility=np.array([0, 2, 2, 2, 2, 0]), box=(1000, 1000, 1060, 1080))
    higher = beetle(POINTS + np.array([0, 16]))
    layout = keypoint_layout([beetle(), hidden, higher])
    assert layout.mean[0].tolist() == pytest.approx([0.5, 0.1]) and layout.labeled[0] == pytest.approx(2 / 3)
    assert layout.spread[0].tolist() == pytest.approx([0, 0.1])
    assert layout.distances[0, 3] == pytest.approx(0.8)
    with pytest.raises(ValueError, match='at least one instance'):
        keypoint_layout([])


def test_sentences_by_geometry_alone():
    assert plain_names(NAMES, FLIPS)[:3] == ['head', 'left wing', 'right wing']
    sentences = keypoint_sentences(plain_names(NAMES, FLIPS), keypoint_layout([beetle()]), [], FLIPS, 'beetle')
    assert sentences == [
        'The head is on the midline of the beetle, nearest to the left horn, farthest from the tail and near the top.',
        # over the left wing, the way from horn to tail is 1.066 times the straight one, that from the head 1.118
        'The left wing is on the left side of the beetle, between the left horn and the tail and opposite the right '
        'wing.',
        'The right wing is on the right side of the beetle, between the head and the tail and opposite the left wing.',
        'The tail is on the midline of the beetle, nearest to the left wing and the right wing, farthest from the left '
        'horn and near the bottom.',
        'The left horn is nearest to the head, farthest from the tail and near the top.',
        'The never is a point of the beetle.',
    ]


def test_sentences_with_a_skeleton():
    links = [(0, 4), (1, 0), (0, 2), (3, 0), (1, 2)]
    sentences = keypoint_sentences(plain_names(NAMES, FLIPS), keypoint_layout([beetle()]), links, FLIPS, 'beetle')
    assert sentences[0].startswith(
        'The head is on the midline of the beetle, next to the left horn, the left wing, the right wing and the tail'
    )
    assert (
        sentences[1] == 'The left wing is on the left side of the beetle, next to the head and opposite the right wing.'
    )
    chain = keypoint_sentences(
        plain_names(NAMES, FLIPS), keypoint_layout([beetle()]), [(0, 1), (1, 3)], FLIPS, 'beetle'
    )
    assert 'between the head and the tail' in chain[1]


def test_objects_that_are_turned_have_no_top_or_bottom():
    upside_down = beetle(np.array([60, 80]) - POINTS)
    layout = keypoint_layout([beetle(), upside_down])
    sentences = keypoint_sentences(plain_names(NAMES, FLIPS), layout, [], FLIPS, 'beetle')
    assert not any('near the' in sentence for sentence in sentences)
    assert sentences[2] == (
        'The right wing is on the right side of the beetle, between the head and the tail and opposite the left wing.'
    )
