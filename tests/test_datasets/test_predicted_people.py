"""Facts from the keypoints that a model found."""

import json

import cv2
import numpy as np
import pytest
from stick_people import COCO, stick_person

from clamp_mmpose.datasets.instructions import read_facts

KEYS = ('keypoints', 'keypoint_scores', 'bbox', 'bbox_score')


def prediction(person, score=0.9, **changes):
    """As MMPose's inferencer writes it: the box in another list."""
    scores = np.where(person.visibility > 0, score, 0.05).tolist()
    values = (person.keypoints.tolist(), scores, [list(person.bbox)], 0.9)
    return {**dict(zip(KEYS, values)), **changes}


@pytest.fixture
def write(tmp_path):
    """Writes images and predictions of a sequence; the config of the data set."""

    def write(instances, name='image_1', image='image_1.jpg'):
        for folder in (tmp_path / 'images' / 'walk', tmp_path / 'found' / 'walk' / 'predictions'):
            folder.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / 'images' / 'walk' / image), np.zeros((480, 640, 3), np.uint8))
        path = tmp_path / 'found' / 'walk' / 'predictions' / f'{name}.json'
        path.write_text(json.dumps(instances), encoding='utf-8')
        prefix = dict(img=str(tmp_path / 'images'))
        return dict(type='PredictedPeople', ann_file=str(tmp_path / 'found'), data_prefix=prefix)

    return write


def test_facts(write):
    first = stick_person(left_arm=(150, 150), at=(150, 250), missing=['left ankle'])
    second = stick_person(at=(450, 250))
    write([prediction(first), prediction(second, score=0.2)])
    config = write([prediction(second), prediction(first)], 'image_2.jpg', 'image_2.jpg')
    one, two = read_facts(config).images
    assert (one.image, two.image, one.size) == ('walk/image_1.jpg', 'walk/image_2.jpg', (640, 480))
    assert list(one.keypoint_names) == list(COCO) and (15, 13) in [tuple(link) for link in one.skeleton_links]
    (person,) = one.instances  # the other one has low scores
    np.testing.assert_allclose(person.keypoints, first.keypoints)
    np.testing.assert_array_equal(person.visibility > 0, first.visibility > 0)
    np.testing.assert_allclose(person.bbox, first.bbox)
    assert len(two.instances) == 2
    assert len(read_facts(dict(config, threshold=0.01)).images[0].instances) == 2


def test_errors(write, tmp_path):
    with pytest.raises(FileNotFoundError, match=r'has no predictions/NAME.json .*: write predictions by'):
        read_facts(dict(type='PredictedPeople', ann_file=str(tmp_path / 'nothing')))
    person = stick_person()
    with pytest.raises(ValueError, match=r"image_1.json, instance 0 is no prediction \(KeyError\('bbox'\)\)"):
        read_facts(write([{key: value for key, value in prediction(person).items() if key != 'bbox'}]))
    with pytest.raises(ValueError, match=r'instance 1 is no prediction .*16 scores for keypoints \[17, 2\]'):
        read_facts(write([prediction(person), prediction(person, keypoint_scores=[1.0] * 16)]))
    with pytest.raises(ValueError, match=r'image_1\.json'):
        read_facts(write(dict(a=1)))
    config = write([prediction(person)])
    write([prediction(person)], 'image_3', 'other.jpg')
    with pytest.raises(FileNotFoundError, match=r'has no image image_3 in .*walk: check data_prefix'):
        read_facts(config)
