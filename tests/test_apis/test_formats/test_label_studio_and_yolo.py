"""Tasks of Label Studio and data sets of Ultralytics, read by sleap-io."""

import json
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from predicted import MOUSE, film, instance, photos, video

from clamp_mmpose.apis.formats import Skeleton, write_predictions
from clamp_mmpose.apis.formats.images import MOST_FRAMES
from clamp_mmpose.apis.formats.label_studio import labeling_setup
from clamp_mmpose.apis.formats.yolo import write_yolo

sleap_io = pytest.importorskip('sleap_io', reason="needs the extra 'io'")


def test_label_studio_of_a_video(tmp_path):
    frames = video([instance(8), instance(32)], [instance(16)], path=film(tmp_path / 'mouse.avi'), every=4)
    path = write_predictions(frames, MOUSE, 'label-studio', tmp_path / 'out' / 'mouse.label-studio.json')
    tasks = json.loads(path.read_text())
    box, point, relation = tasks[0]['predictions'][0]['result'][:3]
    assert box['value']['rectanglelabels'] == ['mouse']
    expected = dict(x=6.25, y=100 * 5 / 48, width=15.625, height=62.5)
    assert {key: box['value'][key] for key in expected} == pytest.approx(expected)
    assert (point['value']['x'], point['value']['keypointlabels'], point['score']) == (12.5, ['snout'], 0.5)
    assert (relation['from_id'], relation['to_id']) == (point['id'], box['id'])
    image = tmp_path / 'out' / 'mouse.label-studio' / 'mouse_000004.png'
    assert tasks[1]['data']['image'] == f'/data/local-files/?d={str(image)[1:]}'
    assert tasks[1]['data']['source'] == dict(video=frames[0].source, frame=4)
    assert abs(cv2.imread(str(image)).astype(int) - 80).max() < 4
    setup = ElementTree.parse(path.with_suffix('.xml'))
    assert [label.get('value') for label in setup.iter('Label')] == ['mouse', *MOUSE.names]
    assert {tag.get('name') for tag in setup.getroot()} == {'image', point['from_name'], box['from_name']}

    accepted = [dict(task, annotations=[dict(result=task['predictions'][0]['result'])]) for task in tasks]
    (tmp_path / 'export.json').write_text(json.dumps(accepted))
    labels = sleap_io.load_labelstudio(str(tmp_path / 'export.json'), list(MOUSE.names))
    assert [(frame.frame_idx, len(frame.instances)) for frame in labels] == [(0, 2), (4, 1)]
    assert np.allclose(labels[0].instances[1].numpy(), frames[0].instances[1].keypoints)


def test_label_studio_of_images_and_names_with_signs(tmp_path):
    frames = photos(tmp_path, [instance(8)], [])
    unseen = frames[0].instances[0]
    unseen.keypoints[1] = np.nan
    tasks = json.loads(write_predictions(frames, MOUSE, 'label-studio', tmp_path / 'a.json').read_text())
    assert [len(task['predictions'][0]['result']) for task in tasks] == [1 + 2 * 2, 0]
    assert tasks[0]['data']['image'] == f'/data/local-files/?d={frames[0].source[1:]}' and 'meta' not in tasks[0]
    setup = ElementTree.fromstring(labeling_setup(Skeleton(('<left> "ear" & tail',))))
    assert [label.get('value') for label in setup.iter('Label')] == ['animal', '<left> "ear" & tail']


def test_yolo(tmp_path):
    outside = instance(60)
    outside.keypoints[1:] = [[65, 20], [62, 49]]  # right of the image and below it, with scores above the least
    frames = photos(tmp_path / 'a', [instance(8), outside], []) + photos(tmp_path / 'b', [instance(16)])
    folder = tmp_path / 'mice.yolo'
    write_yolo(frames, MOUSE, folder, min_score=0.7)
    labels = (folder / 'train/labels/000000_img000.txt').read_text().splitlines()
    # center 9, 20; size 10, 30; snout has the score 0.5
    assert labels[0] == (
        '0 0.140625 0.416667 0.156250 0.625000 0.000000 0.000000 0 0.140625 0.416667 2 0.156250 0.625000 2'
    )
    assert labels[1].split()[1:5] == ['0.937500', '0.416667', '0.125000', '0.625000']  # the box ends at the border
    assert labels[1].split()[8:] == ['0.000000', '0.000000', '0'] * 2
    found = sleap_io.load_ultralytics(str(folder))
    assert found.skeleton.node_names == list(MOUSE.names) and len(found) == 3
    assert [len(frame.instances) for frame in found] == [2, 0, 1]
    assert np.allclose(found[2].instances[0].numpy()[1:], [[17, 20], [18, 30]], atol=1e-3)
    assert (cv2.imread(str(folder / 'train/images/000001_img001.png')) == 40).all()
    assert 'flip_idx:\n- 0\n- 2\n- 1\n' in (folder / 'data.yaml').read_text()
    with pytest.raises(FileExistsError, match=r'mice\.yolo exists: move it away'):
        write_yolo(frames, MOUSE, folder)


def test_frames_that_the_video_does_not_have(tmp_path):
    path = film(tmp_path / 'mouse.avi', frames=3)
    with pytest.raises(ValueError, match=r'mouse\.avi has no frame 4: these are results of another file'):
        write_predictions(video([instance(8)], [instance(8)], path=path, every=4), MOUSE, 'yolo', tmp_path / 'a')
    with pytest.raises(ValueError, match='at most 1,000, got 1,001: take every nth frame'):
        write_predictions(video(*[[]] * (MOST_FRAMES + 1), path=path), MOUSE, 'label-studio', tmp_path / 'a.json')
