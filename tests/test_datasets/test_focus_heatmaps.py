"""The drawing of focus heatmaps, against the published code's output and numbers worked out by hand."""

import math

import numpy as np
import pytest

from clamp_mmpose.datasets.focus.body_parts import PARTS, body_parts, bones
from clamp_mmpose.datasets.focus.heatmaps import min_max_normalize, part_ellipses, sum_of_ellipses, sum_of_gaussians


def published(keypoints, shape):
    parts = body_parts('mpii')
    ellipses = part_ellipses(keypoints[..., :2], keypoints[..., 2] > 0, parts, max(shape), whole_pixels=True)
    return sum_of_gaussians(ellipses, shape)


@pytest.mark.parametrize('case', ['_0', '_1', 'two'])
def test_as_the_published_code(parity, case):
    expected = np.load(parity / 'focusclip_heatmaps' / 'expected.npz')
    key = (lambda name: f'two_{name}') if case == 'two' else (lambda name: name + case)
    keypoints = expected[key('keypoints')].reshape(-1, 16, 3)
    found = published(keypoints, tuple(expected[key('shape')]))
    assert found.dtype == np.float32
    # float16 holds 11 bits: half a step below 1 is 2^-12
    np.testing.assert_allclose(found, expected[key('heatmap')].astype(np.float32), atol=2**-12 + 1e-6)


def test_parts_are_the_authors():
    members = [np.nonzero(part)[0].tolist() for part in body_parts('mpii')]
    # as listed in the README of the parity fixtures
    assert sorted(members) == sorted(
        map(
            sorted,
            [
                [7, 8, 9, 12, 13],
                [6, 7, 12, 13, 2, 3],
                [13, 14, 7],
                [12, 11, 7],
                [14, 15, 13],
                [11, 10, 12],
                [3, 4, 6],
                [2, 1, 6],
                [4, 5, 3],
                [1, 0, 2],
            ],
        )
    )


@pytest.mark.parametrize('name, num_keypoints', [('mpii', 16), ('coco', 17), ('ap10k', 17), ('animalpose', 20)])
def test_every_keypoint_belongs_to_a_part(name, num_keypoints):
    parts = body_parts(name)
    assert parts.shape == (10, num_keypoints)
    assert parts.any(axis=0).all()
    assert len(PARTS[name]) == 10


def test_own_groups_by_name():
    parts = body_parts(dict(face=['nose', 'tail'], back=['tail']), names=['nose', 'ear', 'tail'])
    assert parts.tolist() == [[True, False, True], [False, False, True]]


@pytest.mark.parametrize(
    'groups, names, message',
    [
        ('mpi', None, "'mpi'.*animalpose"),
        (dict(face=['nose']), None, 'dict need names='),
        (dict(face=['nose', 'noes']), ['nose'], r"'face' has the unknown keypoints \['noes'\]"),
        (dict(face=[]), ['nose'], "'face' has no keypoints"),
    ],
)
def test_bad_groups(groups, names, message):
    with pytest.raises(ValueError, match=message):
        body_parts(groups, names)


def test_bones():
    # the fourth keypoint has no link
    assert bones([(0, 1), (1, 2)], 4).tolist() == [
        [True, True, False, False],
        [False, True, True, False],
        [False, False, False, True],
    ]


def test_ellipse_of_a_part():
    keypoints = np.array([[[10, 20], [40, 60], [99, 99]]], float)
    visible = np.array([[True, True, False]])
    (ellipse,) = part_ellipses(keypoints, visible, np.array([[True, True, True]]), unit=100)
    assert ellipse.tolist() == [25, 40, 15, 20]  # the invisible third does not count


def test_ellipse_in_whole_pixels():
    keypoints = np.array([[[10.9, 20.2], [41.8, 61.7]]])
    (ellipse,) = part_ellipses(keypoints, np.array([[True, True]]), np.array([[True, True]]), 100, whole_pixels=True)
    # 10 and 41, 20 and 61: center (51 // 2, 81 // 2), sigma (31 // 2, 41 // 2)
    assert ellipse.tolist() == [25, 40, 15, 20]


def test_part_without_extent_gets_a_sixteenth_of_its_person():
    keypoints = np.array([[[30, 10], [30, 42], [62, 90]]], float)
    parts = np.array([[True, True, False], [False, True, True]])
    visible = np.ones((1, 3), bool)
    for whole_pixels in (False, True):
        ellipses = part_ellipses(keypoints, visible, parts, unit=1000, whole_pixels=whole_pixels)
        # the person is 80 high
        assert ellipses.tolist() == [[30, 26, 5, 16], [46, 66, 16, 24]]


def test_person_of_one_keypoint():
    keypoints = np.array([[[30, 10], [0, 0]]], float)
    ellipses = part_ellipses(keypoints, np.array([[True, False]]), np.array([[True, True]]), unit=640)
    # the person counts as a quarter of 640, the part as a sixteenth of that
    assert ellipses.tolist() == [[30, 10, 10, 10]]
    for draw in (sum_of_gaussians, sum_of_ellipses):
        heatmap = draw(ellipses, (40, 60))
        assert heatmap[10, 30] == 1
        assert heatmap[10, 40] == pytest.approx(math.exp(-0.5))


def test_person_of_keypoints_in_different_parts_is_one_ellipse():
    keypoints = np.array([[[10, 10], [0, 0], [30, 50], [0, 0]]], float)
    visible = np.array([[True, False, True, False]])
    parts = np.array([[True, True, False, False], [False, False, True, True]])
    assert part_ellipses(keypoints, visible, parts, unit=100).tolist() == [[20, 30, 10, 20]]


def test_one_joint_among_whole_people():
    """A person with one visible joint is drawn together with fully visible people."""
    rng = np.random.default_rng(0)
    keypoints = rng.uniform(0, 100, (5, 16, 2))
    keypoints[2] = 300
    visible = np.ones((5, 16), bool)
    visible[2, 1:] = False
    ellipses = part_ellipses(keypoints, visible, body_parts('mpii'), unit=400)
    assert len(ellipses) == 41
    assert sum_of_gaussians(ellipses, (400, 400))[300, 300] == 1


@pytest.mark.parametrize('draw', [sum_of_gaussians, sum_of_ellipses])
def test_nobody(draw):
    ellipses = part_ellipses(np.full((2, 16, 2), np.nan), np.ones((2, 16), bool), body_parts('mpii'), unit=100)
    heatmap = draw(ellipses, (20, 30))
    assert heatmap.shape == (20, 30)
    assert heatmap.dtype == np.float32
    assert not heatmap.any()


def test_sum_is_clipped_at_one():
    ellipses = np.array([[10, 10, 5, 5], [10, 10, 5, 5], [20, 10, 5, 5]], float)
    heatmap = sum_of_gaussians(ellipses, (21, 31))
    assert heatmap[10, 10] == 1
    side = 2 * math.exp(-(5**2) / 50)
    assert heatmap[10, 5] == pytest.approx(min(1, side + math.exp(-(15**2) / 50)))
    assert heatmap[10, 30] == pytest.approx(2 * math.exp(-(20**2) / 50) + math.exp(-(10**2) / 50))


def test_ellipse_goes_through_the_corners_of_its_box():
    ellipses = np.array([[50, 40, 20, 10]], float)
    heatmap = sum_of_ellipses(ellipses, (80, 100))
    np.testing.assert_allclose(heatmap[40, 50 + 28], math.exp(-0.5 * 1.4**2), rtol=1e-5)
    assert heatmap[40, 50 + 29] == 0  # 20 sqrt(2) = 28.3
    assert heatmap[40 + 14, 50] > 0
    assert heatmap[40 + 15, 50] == 0  # 10 sqrt(2) = 14.1
    # inside, eq. 3 unchanged
    inside = heatmap > 0
    np.testing.assert_allclose(heatmap[inside], sum_of_gaussians(ellipses, (80, 100))[inside], rtol=1e-6)
    assert inside.sum() == pytest.approx(math.pi * 2 * 200, rel=0.01)


def test_ellipses_outside_the_image():
    ellipses = np.array([[-500, 40, 20, 10], [5, 5, 3, 3], [900, 900, 1, 1]], float)
    heatmap = sum_of_ellipses(ellipses, (80, 100))
    assert heatmap[5, 5] == 1
    assert heatmap.sum() == pytest.approx(sum_of_ellipses(ellipses[1:2], (80, 100)).sum())


def test_min_max_normalize():
    assert min_max_normalize(np.array([[2, 4], [3, 2]])).tolist() == [[0, 1], [0.5, 0]]
    assert min_max_normalize(np.zeros((2, 2))).tolist() == [[1, 1], [1, 1]]


def test_ellipse_with_its_edge_on_a_pixel_is_symmetric():
    heatmap = sum_of_ellipses(np.array([[20, 10, 8, 6]], float), (21, 41), reach=1.0)
    assert heatmap[10, 12] == heatmap[10, 28] > 0
    assert heatmap[4, 20] == heatmap[16, 20] > 0


def test_tiny_people_are_not_lost_between_the_pixels():
    keypoints = np.array([[[10.5, 10.5], [12.5, 10.5]]])
    ellipses = part_ellipses(keypoints, np.ones((1, 2), bool), np.ones((1, 2), bool), unit=100)
    assert ellipses.tolist() == [[11.5, 10.5, 1, 0.75]]
    assert sum_of_ellipses(ellipses, (20, 30)).max() > 0.7


def test_parts_of_ap10k():
    """Head, trunk, and two halves of each leg, of AP-10K's 17 keypoints."""
    assert [np.nonzero(part)[0].tolist() for part in body_parts('ap10k')] == [
        [0, 1, 2, 3],
        [3, 4, 5, 8, 11, 14],
        [3, 5, 6],
        [5, 6, 7],
        [3, 8, 9],
        [8, 9, 10],
        [4, 11, 12],
        [11, 12, 13],
        [4, 14, 15],
        [14, 15, 16],
    ]
