"""The published order: drawn in whole pixels of the original image, then resized; wherever the pipeline draws it."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from focus_samples import BOX, CROP, FLIP, Turn, pipeline, sample
from mmengine.config import Config

from clamp_mmpose.datasets.focus.body_parts import body_parts
from clamp_mmpose.datasets.focus.heatmaps import sum_of_gaussians

ROOT = Path(__file__).parents[2]
SIZE = (1920, 1080)
DRAW = dict(type='GenerateFocusHeatmap')


def small_person(seed, size=SIZE, height=90):
    """A person of 90 pixels in a large image, at fractions of a pixel."""
    rng = np.random.default_rng(seed)
    corner = rng.uniform(100, np.array(size) - 300)
    keypoints = (corner + rng.uniform(0, 1, (1, 16, 2)) * (0.6 * height, height)).astype(np.float32)
    return dict(sample(size=size), keypoints=keypoints, bbox=np.array([[*corner, *(corner + height)]], np.float32))


def as_published(keypoints, shape):
    """The authors' steps as the README of their arrays lists them, part by part on all pixels of the image."""
    rows, columns = np.indices(shape, dtype=np.float64)
    heatmap = np.zeros(shape)
    for part in body_parts('mpii'):
        points = np.trunc(keypoints[part].astype(np.float64))
        (x, y), (sigma_x, sigma_y) = (points.min(0) + points.max(0)) // 2, (points.max(0) - points.min(0)) // 2
        assert sigma_x > 0 and sigma_y > 0  # the published code divides by them
        heatmap += np.exp(-((columns - x) ** 2 / (2 * sigma_x**2) + (rows - y) ** 2 / (2 * sigma_y**2)))
    return np.clip(heatmap, 0, 1)


@pytest.mark.parametrize('seed', [0, 1, 2])
@pytest.mark.parametrize('first', [True, False], ids=['draw first', 'resize first'])
def test_small_person_in_a_large_image(seed, first):
    person = small_person(seed)
    drawn = as_published(person['keypoints'][0], SIZE[::-1])
    expected = cv2.resize(drawn, (224, 224), interpolation=cv2.INTER_AREA)
    resize = dict(type='ResizeToInput', input_size=(224, 224))
    found = pipeline(person, *([DRAW, resize] if first else [resize, DRAW]))['focus_heatmap']
    assert expected.max() > 0.5
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    'path', ['focusclip/mpii/focusclip_vit-b-bert_mpii.py', 'focusclip/mpii/focusclip_vit-b-clip_mpii.py']
)
def test_configs_of_mpii(path):
    steps = Config.fromfile(ROOT / 'configs' / path).train_dataloader.dataset.pipeline[2:4]
    person = small_person(3)
    expected = cv2.resize(as_published(person['keypoints'][0], SIZE[::-1]), (224, 224), interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(pipeline(person, *steps)['focus_heatmap'], expected, atol=1e-5)


def test_boxed_and_flipped():
    person = small_person(4)
    x1, y1, x2, y2 = 200, 100, 1800, 1000
    person['bbox'] = np.array([[x1, y1, x2, y2]], np.float32)
    drawn = as_published(person['keypoints'][0], SIZE[::-1])
    expected = cv2.resize(drawn[y1:y2, x1:x2], (96, 96), interpolation=cv2.INTER_AREA)[:, ::-1]
    resize = dict(type='ResizeToInput', input_size=(96, 96), crop_bbox=True)
    for order in ([DRAW, resize, FLIP], [resize, DRAW, FLIP], [resize, FLIP, DRAW]):
        np.testing.assert_allclose(pipeline(dict(person), *order)['focus_heatmap'], expected, atol=1e-5)


def test_enlarged_as_the_image_is():
    person = small_person(5, size=(400, 400))
    drawn = as_published(person['keypoints'][0], (400, 400)).astype(np.float32)
    expected = cv2.resize(drawn, (500, 600), interpolation=cv2.INTER_LINEAR)
    found = pipeline(person, dict(type='ResizeToInput', input_size=(500, 600)), DRAW)['focus_heatmap']
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize('degrees', [0, 30])
def test_crop_of_a_small_person(degrees):
    """As in the CLAMP configs with FocusMask, which draw after TopdownAffine."""
    for before in ([], [FLIP]):
        first = pipeline(small_person(6), *before, DRAW, BOX, Turn(degrees), CROP)['focus_heatmap']
        last = pipeline(small_person(6), *before, BOX, Turn(degrees), CROP, DRAW)['focus_heatmap']
        assert first.max() > 0.9
        np.testing.assert_allclose(last, first, atol=1e-6)


def test_pixels_that_no_gaussian_reaches_are_zero():
    heatmap = sum_of_gaussians(np.array([[50, 40, 2, 3]], float), (2000, 3000))
    rows, columns = np.indices((2000, 3000))
    expected = np.exp(-((columns - 50) ** 2 / 8 + (rows - 40) ** 2 / 18))
    np.testing.assert_allclose(heatmap, expected, atol=1e-8)
    assert not heatmap[200:].any() and not heatmap[:, 200:].any()
    outside = sum_of_gaussians(np.array([[-500, 40, 2, 3]], float), (100, 100))
    assert outside.shape == (100, 100) and not outside.any()
