"""What all formats check, and COCO results."""

import json

import numpy as np
import pytest
from predicted import MOUSE, instance, photos, video
from xtcocotools.coco import COCO

from clamp_mmpose.apis.formats import FORMATS, Skeleton, prediction_file, write_predictions
from clamp_mmpose.apis.formats.coco import coco_results


@pytest.mark.parametrize('format', list(FORMATS))
def test_results_of_another_skeleton(tmp_path, format):
    frames = photos(tmp_path, [instance(8)])
    path = prediction_file(tmp_path / 'out', 'mouse', format)
    with pytest.raises(ValueError, match=r'img000\.png: expected 2 keypoints \(a, b\), got .*\(3, 2\) and \(3,\)'):
        write_predictions(frames, Skeleton(('a', 'b')), format, path)
    assert not path.exists()


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(keypoints=np.full((3, 2), np.inf)), 'not finite'),
        (dict(score=np.nan), 'not finite'),
        (dict(scores=np.zeros(2)), r'expected 3 keypoints .*\(2,\)'),
    ],
)
def test_wrong_instances(tmp_path, change, message):
    wrong = instance(8)
    vars(wrong).update(change)
    with pytest.raises(ValueError, match=message):
        write_predictions(video([wrong]), MOUSE, 'coco', tmp_path / 'a.json')


def test_wrong_frames(tmp_path):
    with pytest.raises(ValueError, match=r"format='xml', expected one of 'coco', 'dlc-csv'"):
        write_predictions([], MOUSE, 'xml', tmp_path / 'a')
    with pytest.raises(ValueError, match='frame 0 has a track twice'):
        write_predictions(video([instance(8, 1), instance(9, 1)]), MOUSE, 'coco', tmp_path / 'a')
    with pytest.raises(ValueError, match=r'mouse\.avi, frame 0 occurs twice'):
        write_predictions(video([]) * 2, MOUSE, 'coco', tmp_path / 'a')
    with pytest.raises(ValueError, match='distinct names'):
        write_predictions([], Skeleton(('a', 'a')), 'coco', tmp_path / 'a')


def test_coco(tmp_path):
    unseen = instance(20)
    unseen.keypoints[1] = np.nan
    frames = photos(tmp_path / 'images', [instance(8), unseen], [], [instance(30, track=4)])
    path = write_predictions(frames, MOUSE, 'coco', prediction_file(tmp_path, 'mice', 'coco'))
    assert path == tmp_path / 'mice.coco.json'
    truth = COCO(tmp_path / 'mice.coco_images.json')
    assert [truth.imgs[i]['file_name'] for i in (1, 2, 3)] == [f'images/img00{i}.png' for i in range(3)]
    assert truth.cats[1]['keypoints'] == list(MOUSE.names) and truth.cats[1]['skeleton'] == [[1, 2], [1, 3]]
    found = truth.loadRes(str(path))
    first, second, third = found.loadAnns(found.getAnnIds())
    assert first['keypoints'] == [8, 10, 0.5, 9, 20, 0.75, 10, 30, 1] and first['score'] == 0.75
    assert json.loads(path.read_text())[0]['bbox'] == [4, 5, 10, 30]  # x, y, width, height
    assert second['keypoints'][3:6] == [0, 0, 0] and 'track_id' not in second
    assert (third['image_id'], third['track_id']) == (3, 4)
    assert [entry['image_id'] for entry in coco_results(frames, [70, 80, 90])] == [70, 70, 90]
    with pytest.raises(ValueError, match='image_ids has 2 ids, expected one for each of 3 images'):
        coco_results(frames, [1, 2])
