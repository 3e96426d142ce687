"""Maps get the same transforms as their image; how images are cropped and resized."""

import cv2
import numpy as np
import pytest
from focus_samples import BOX, CROP, FLIP, Turn, pipeline, sample
from mmpose.registry import TRANSFORMS

from clamp_mmpose.datasets.focus import geometry
from clamp_mmpose.datasets.transforms.resize_to_input import bbox_pixels

DRAW = dict(type='GenerateFocusHeatmap', mode='paper')


def test_bottom_up_crop_that_is_not_in_the_middle_then_flip():
    results = dict(sample(people=2), num_keypoints=[16, 16], area=np.ones(2, np.float32))
    affine = dict(
        type='BottomupRandomAffine',
        input_size=(128, 128),
        shift_prob=1.0,
        shift_factor=0.3,
        rotate_factor=0.0,
        scale_factor=(1.0, 1.0),
    )
    found = []
    for order in ([DRAW, affine, FLIP], [affine, FLIP, DRAW]):
        np.random.seed(1)
        found.append(pipeline(dict(results), *order)['focus_heatmap'])
    assert np.quantile(np.abs(found[0] - found[1]), 0.8) < 0.02


@pytest.mark.parametrize('direction', ['horizontal', 'vertical', 'diagonal'])
def test_flips_in_every_direction(direction):
    flip = dict(FLIP, direction=direction)
    first = pipeline(sample(), DRAW, flip, BOX, CROP)['focus_heatmap']
    last = pipeline(sample(), flip, BOX, CROP, DRAW)['focus_heatmap']
    assert np.abs(first - last).mean() < 0.02


def test_person_of_one_keypoint_is_as_large_after_the_crop():
    results = sample()
    results['keypoints_visible'] = np.eye(1, 16, 6)
    results['bbox'] = np.array([[20, 20, 220, 180]], np.float32)
    results['keypoints'][0, 6] = 120, 100
    first = pipeline(dict(results), DRAW, BOX, Turn(0, 0.5), CROP)['focus_heatmap']
    last = pipeline(dict(results), BOX, Turn(0, 0.5), CROP, DRAW)['focus_heatmap']
    assert last.sum() == pytest.approx(first.sum(), rel=0.1)


def test_shrinking_skips_no_pixels():
    stripes = np.zeros((240, 240), np.float32)
    stripes[:, ::10] = 1  # interpolation alone, at 4.5, 14.5 ..., skips them
    small = geometry.apply_steps(stripes, [('warp', np.array([[0.1, 0, -0.45], [0, 0.1, -0.45]]), (24, 24))])
    np.testing.assert_allclose(small[2:-2, 2:-2], 0.1, atol=0.05)


def test_maps_are_interpolated():
    ramp = np.tile(np.arange(10, dtype=np.float32), (10, 1))
    large = geometry.apply_steps(ramp, [('warp', np.array([[4.0, 0, 0], [0, 4, 0]]), (36, 36))])
    np.testing.assert_allclose(large[5], np.arange(36) / 4, atol=0.01)


def test_perspective_matrices():
    heatmap = np.random.default_rng(0).random((20, 30)).astype(np.float32)
    shift = np.array([[1.0, 0, -3], [0, 1, -2], [0, 0, 1]])  # as in BottomupRandomCrop
    found = geometry.apply_steps(heatmap, [('warp', shift, (20, 10))])
    np.testing.assert_allclose(found, heatmap[2:12, 3:23], atol=1e-6)


def test_box_in_a_crop_at_any_angle():
    draw = dict(type='GenerateFocusHeatmap', source='bbox')
    box = dict(sample(), bbox=np.array([[70, 50, 170, 150]], np.float32))  # a circle: rotation does not change it
    first = pipeline(dict(box), draw, BOX, Turn(45), CROP)['focus_heatmap']
    last = pipeline(dict(box), BOX, Turn(45), CROP, draw)['focus_heatmap']
    assert np.abs(first - last).mean() < 0.01


def test_resized_by_area_when_shrunk_and_linearly_when_enlarged():
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3)).astype(np.uint8)
    for size, flag in (((20, 15), cv2.INTER_AREA), ((160, 120), cv2.INTER_LINEAR)):
        found = TRANSFORMS.build(dict(type='ResizeToInput', input_size=size))(dict(img=image))['img']
        assert np.array_equal(found, cv2.resize(image, size, interpolation=flag))


def test_keypoints_of_a_crop():
    results = dict(
        img=np.zeros((100, 100, 3), np.uint8),
        bbox=np.array([[20, 40, 60, 60]], np.float32),
        keypoints=np.array([[[20.0, 40], [59, 59]]]),
    )
    found = TRANSFORMS.build(dict(type='ResizeToInput', input_size=(80, 80), crop_bbox=True))(results)
    # one pixel becomes 2 x 4 pixels: its center is at 0.5 and 1.5
    np.testing.assert_allclose(found['keypoints'], [[[0.5, 1.5], [78.5, 77.5]]])
    np.testing.assert_allclose(found['bbox'], [[0.5, 1.5, 80.5, 81.5]])


@pytest.mark.parametrize(
    'box, expected',
    [
        ([10.6, 20.6, 30.4, 40.4], (10, 20, 31, 41)),
        ([-5, -9, 30, 40], (0, 0, 30, 40)),
        ([70, 50, 90, 99], (70, 50, 80, 60)),
    ],
)
def test_boxes_in_whole_pixels(box, expected):
    assert bbox_pixels(dict(img=np.zeros((60, 80, 3)), bbox=np.array([box]))) == expected


@pytest.mark.parametrize('box', [[0, np.nan, 9, 9], [np.inf, 0, 9, 9], [0, 0, np.inf, 9]])
def test_boxes_that_are_not_finite(box):
    with pytest.raises(ValueError, match=r'of cat\.jpg is not finite'):
        bbox_pixels(dict(img=np.zeros((60, 80, 3)), bbox=np.array([box]), img_path='cat.jpg'))


def test_open_clip_normalizes_and_resizes_as_the_weights_want():
    transform = TRANSFORMS.build(dict(type='OpenCLIPPreprocess', arch='ViT-B-16-SigLIP', tag='webli'))
    image = np.zeros((50, 100, 3), np.uint8)
    image[:, :10] = 255
    found = transform(dict(img=image))['img']
    assert found.min() == pytest.approx(-1) and found.max() == pytest.approx(1)  # mean and std of 0.5
    assert found[112, 5, 0] == pytest.approx(1)  # squashed, not cropped: the edge is visible


def test_zero_outside_the_image():
    shift = np.array([[1.0, 0, 4], [0, 1, 0]])
    found = geometry.apply_steps(np.ones((10, 10), np.float32), [('warp', shift, (10, 10))])
    assert not found[:, :4].any() and found[:, 4:].all()
