"""Samples whose box is the whole image, for models that find their instance by themselves."""

import itertools
import json

import cv2
import numpy as np
import pytest
from mmpose.registry import DATASETS, TRANSFORMS
from tiny import METAINFO, NAMES

BOX = [10, 20, 30, 20]  # x, y, w, h
POINTS = [[12, 22], [20, 30], [30, 25], [35, 38], [15, 33]]


@pytest.fixture(scope='module')
def animals(tmp_path_factory):
    """Images of 80 x 60 pixels: one instance in images 0 and 2, two instances in image 1."""
    folder = tmp_path_factory.mktemp('animals')
    for i in range(3):
        cv2.imwrite(str(folder / f'{i}.png'), np.zeros((60, 80, 3), np.uint8))
    keypoints = [value for x, y in POINTS for value in (x, y, 2)]
    annotations = [
        dict(id=i, image_id=image, category_id=1, bbox=BOX, area=600, iscrowd=0, keypoints=keypoints, num_keypoints=5)
        for i, image in enumerate([0, 1, 1, 2])
    ]
    content = dict(
        images=[dict(id=i, file_name=f'{i}.png', width=80, height=60) for i in range(3)],
        annotations=annotations,
        categories=[dict(id=1, name='mouse', keypoints=NAMES)],
    )
    (folder / 'train.json').write_text(json.dumps(content))
    return folder


def dataset(folder, prob, *after):
    pipeline = [
        dict(type='LoadIntactImage'),
        dict(type='GetBBoxCenterScale'),
        dict(type='WholeImageBox', prob=prob),
        *after,
    ]
    return DATASETS.build(
        dict(
            type='BaseCocoStyleDataset',
            metainfo=METAINFO,
            data_root=str(folder),
            ann_file='train.json',
            data_mode='topdown',
            pipeline=pipeline,
        )
    )


@pytest.fixture
def draws(monkeypatch):
    """Sets what is drawn in turn: whether chosen, whether whole, and the size of a part; then where it is."""

    def draws(values, place=(0, 0)):
        numbers = itertools.cycle(values)
        monkeypatch.setattr(np.random, 'random', lambda: next(numbers))
        monkeypatch.setattr(np.random, 'uniform', lambda low, high, number: np.array(place))

    return draws


def test_images_with_one_instance_become_whole(animals, draws):
    draws([0.1, 0.49])
    data = dataset(animals, 1.0)
    assert [data[i]['bbox'].tolist() for i in range(4)] == [
        [[0, 0, 80, 60]],
        [[10, 20, 40, 40]],
        [[10, 20, 40, 40]],
        [[0, 0, 80, 60]],
    ]
    # no padding is added to a whole image; the boxes have GetBBoxCenterScale's of 1.25
    assert data[0]['bbox_scale'].tolist() == [[80, 60]] and data[0]['bbox_center'].tolist() == [[40, 30]]
    assert data[1]['bbox_scale'].tolist() == [[37.5, 25]] and data[1]['bbox_center'].tolist() == [[25, 30]]


def test_part_of_an_image(animals, draws):
    """60 rows are 2.4 boxes of 25; half of the way, in the exponent, to the whole image."""
    draws([0.1, 0.5, 0.5], (1, -1))
    found = dataset(animals, 1.0)[0]
    size = np.array([37.5, 25]) * np.sqrt(2.4)
    center = [25 + (size[0] - 37.5) / 2, 30 - (size[1] - 25) / 2]
    np.testing.assert_allclose(found['bbox_scale'], [size], rtol=1e-6)
    np.testing.assert_allclose(found['bbox_center'], [center], rtol=1e-6)
    draws([0.1, 0.5, 1.0], (1, -1))  # as high as the image and 90 wide, so it covers the image
    found = dataset(animals, 1.0)[0]
    np.testing.assert_allclose(found['bbox_scale'], [[90, 60]], rtol=1e-6)
    np.testing.assert_allclose(found['bbox_center'], [[40, 30]], rtol=1e-6)


def test_parts_hold_the_instance(animals):
    data = dataset(animals, 1.0, dict(type='TopdownAffine', input_size=(40, 40)))
    np.random.seed(0)
    samples = [data[3] for _ in range(40)]
    points = np.concatenate([sample['transformed_keypoints'][0] for sample in samples])
    assert points.min() >= 0 and points.max() <= 40
    assert 12 <= sum(sample['bbox_scale'][0, 0] == 80 for sample in samples) <= 28


def test_keypoints_follow(animals, draws):
    """80 x 80 pixels around the center, the image and 10 above and below it, become 40 x 40."""
    draws([0.1, 0.49])
    data = dataset(animals, 1.0, dict(type='TopdownAffine', input_size=(40, 40)))
    expected = [[[x / 2, (y + 10) / 2] for x, y in POINTS]]
    np.testing.assert_allclose(data[3]['transformed_keypoints'], expected, atol=1e-4)


def test_probability(animals):
    data = dataset(animals, 0.3)
    transform = data.pipeline.transforms[-1]
    box = dict(bbox_center=np.array([[25, 30]]), bbox_scale=np.array([[37.5, 25]]))

    def whole(number):
        sample = dict(dataset=data, img_path=f'{animals}/0.png', img_shape=(60, 80), **box)
        return np.mean(['bbox' in transform(dict(sample)) for _ in range(number)])

    np.random.seed(0)
    assert 0.25 < whole(600) < 0.35
    transform.prob = 0.0
    assert whole(100) == 0


@pytest.mark.parametrize('prob', [-0.1, 1.5, float('nan'), '0.3'])
def test_wrong_probability(prob):
    with pytest.raises(ValueError, match='prob='):
        TRANSFORMS.build(dict(type='WholeImageBox', prob=prob))


def test_needs_the_box_of_a_coco_style_dataset(animals):
    transform = TRANSFORMS.build(dict(type='WholeImageBox', prob=1.0))
    with pytest.raises(ValueError, match=r"needs 'bbox_center': .* after LoadIntactImage and GetBBoxCenterScale"):
        transform(dict(dataset=None, img_shape=(60, 80), bbox=np.zeros((1, 4))))
    with pytest.raises(ValueError, match="needs 'dataset': use a COCO-style data set"):
        transform(dict(img_shape=(60, 80), bbox_center=0, bbox_scale=0))
