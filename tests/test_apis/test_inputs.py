import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from clamp_mmpose.apis.inputs import VideoFrames, is_video, list_inputs
from clamp_mmpose.utils.files import to_json


@pytest.fixture(scope='module')
def video(tmp_path_factory):
    """An AVI file with 20 frames of noise."""
    path = tmp_path_factory.mktemp('video') / 'noise.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 10, (64, 64))
    rng = np.random.default_rng(0)
    for _ in range(20):
        writer.write(rng.integers(0, 255, (64, 64, 3)).astype(np.uint8))
    writer.release()
    return path


def test_a_video(dots_inferencer, video, tmp_path):
    results = list(dots_inferencer(str(video), pred_out_dir=str(tmp_path), batch_size=8))
    assert [len(result['predictions']) for result in results] == [8, 8, 4]


def test_a_truncated_video_is_an_error_after_its_frames(dots_inferencer, video, tmp_path):
    path = tmp_path / 'cut.avi'
    path.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    done = []
    with pytest.raises(ValueError, match=r'video .*cut\.avi'):
        for result in dots_inferencer(str(path), pred_out_dir=str(tmp_path / 'out')):
            done += result['predictions']
    assert len(done) < 20 and (not done or (tmp_path / 'out/cut.json').is_file())
    for content in (b'', b'no video', video.read_bytes()[:2000]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r'video .*cut\.avi'):
            list(dots_inferencer(str(path)))


def test_frames_that_the_header_promises():
    for number, expected in ((20, 20), (20, 0), (25, 20), (19, 20), (1, -(2**63))):
        frames = VideoFrames(range(number), 'video a.avi', expected)
        assert len(list(frames)) == number
        frames.check_complete()
    frames = VideoFrames(range(18), 'video a.avi', 20)
    list(frames)
    with pytest.raises(ValueError, match=r'a\.avi has 20 frames by its header, but only 18 could be read'):
        frames.check_complete()
    with pytest.raises(ValueError, match='gave no frame'):
        VideoFrames([], 'webcam:0').check_complete()


def test_a_drawn_video_that_cannot_be_written(dots_inferencer, video, tmp_path):
    with pytest.raises(OSError, match=r'drawn\.xyz was not written'):
        list(dots_inferencer(str(video), vis_out_dir=str(tmp_path / 'drawn.xyz')))


def test_an_absent_camera(dots_inferencer):
    with pytest.raises(ValueError, match='webcam:7 cannot be opened: connect a camera'):
        list(dots_inferencer('webcam:7'))


def test_files_named_as_cameras_are(dots_inferencer, trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (expected,) = (result['predictions'] for result in dots_inferencer(trained[2][0]))
    for name in ('webcam_1.png', 'webcam', 'webcam.png', 'webcam:0', 'webcams/1.png'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(Path(trained[2][0]).read_bytes())
        (found,) = (result['predictions'] for result in dots_inferencer(name))
        assert found == expected
    with pytest.raises(FileNotFoundError, match=r'webcam_2\.png does not exist'):
        list(dots_inferencer('webcam_2.png'))
    for name in ('webcam:1a', 'webcam:'):
        with pytest.raises(ValueError, match='webcam:id'):
            list(dots_inferencer(name))


def test_frames_that_are_skipped_keep_the_numbers_of_the_others(dots_inferencer, video, tmp_path):
    boxes = [[[0, 0, 64, 64]]] * 20
    boxes[3] = [[90, 0, 99, 9]]
    results = list(dots_inferencer(str(video), bboxes=boxes, on_error='skip', pred_out_dir=str(tmp_path), batch_size=8))
    frames = json.loads((tmp_path / 'noise.json').read_text())
    assert [frame['frame_id'] for frame in frames] == [0, 1, 2, *range(4, 20)]
    predictions = [one for result in results for one in result['predictions']]
    assert [frame['instances'] for frame in frames] == json.loads(to_json(predictions, ''))


def test_folders(dots_inferencer, tmp_path):
    (tmp_path / 'notes.txt').write_text('')
    (tmp_path / 'folder.png').mkdir()
    for folder in (tmp_path, tmp_path / 'folder.png'):
        with pytest.raises(ValueError, match='holds no images'):
            list(dots_inferencer(str(folder)))
    for name in ('b.webp', 'a.JPG', 'c.jfif', 'd.tiff'):
        (tmp_path / name).write_bytes(b'')
    assert [path[len(str(tmp_path)) + 1 :] for path in list_inputs(tmp_path)] == ['a.JPG', 'b.webp', 'c.jfif', 'd.tiff']


def test_one_or_many(tmp_path):
    (tmp_path / 'photo').write_bytes(b'')
    assert list_inputs(str(tmp_path / 'photo')) == [str(tmp_path / 'photo')]
    assert list_inputs('http://host/photo') == ['http://host/photo']
    array, image = np.zeros((2, 2, 3), np.uint8), Image.new('L', (2, 2))
    for one in (array, image, {}, b'bytes', None):
        assert list_inputs(one)[0] is one
    assert list_inputs(iter([array, image])) == [array, image] == list_inputs((array, image))
    assert is_video('a.mp4') and not is_video('a.gif') and not is_video(array) and not is_video('a')
