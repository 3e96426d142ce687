"""Samples whose box is the whole image, for models that find their instance by themselves."""

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


def test_images_with_one_instance_become_whole(animals):
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


def test_keypoints_follow(animals):
    """80 x 80 pixels around the center, the image and 10 above and below it, become 40 x 40."""
    data = dataset(animals, 1.0, dict(type='TopdownAffine', input_size=(40, 40)))
    expected = [[[x / 2, (y + 10) / 2] for x, y in POINTS]]
    np.testing.assert_allclose(data[3]['transformed_keypoints'], expected, atol=1e-4)


def test_probability(animals):
    data = dataset(animals, 0.3)
    transform = data.pipeline.transforms[-1]

    def whole(number):
        sample = dict(dataset=data, img_path=f'{animals}/0.png', img_shape=(60, 80), bbox_center=0, bbox_scale=0)
        return np.mean([np.any(transform(dict(sample))['bbox_scale']) for _ in range(number)])

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
