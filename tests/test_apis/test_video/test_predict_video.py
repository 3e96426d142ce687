"""A video drawn here, in which the place of every keypoint is known."""

import errno
import json
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from square_video import FindsSquare, points, rows, square, write_video
from tiny import NAMES

from clamp_mmpose.apis.formats import PredictedFrame, PredictedInstance, Skeleton
from clamp_mmpose.apis.video import predict_video, read_tracks
from clamp_mmpose.apis.video.draw import draw_frame
from clamp_mmpose.apis.video.find import FrameFinder


@pytest.fixture
def predict(finder, trained):
    def predict(video, out, **kwargs):
        return predict_video(finder, video, Path(out), checkpoint=trained[1], **kwargs)

    return predict


@pytest.fixture
def table(moving, predict, tmp_path):
    """The table of a run that nothing interrupts."""
    predict(moving, tmp_path / 'whole', draw=False, batch_size=12)
    return (tmp_path / 'whole' / 'tracks.csv').read_text()


def test_tracks_and_labeled_video(moving, predict, finder, tmp_path):
    """The whole frame is seen at 5 pixels a cell, so that only the box of the keypoints gives their exact place."""
    done = predict(moving, tmp_path, batch_size=12)
    assert (done.predicted, done.frames, done.damage) == (40, 40, None)
    assert [path.name for path in done.files] == ['tracks.csv', 'moving_labeled.mp4']
    assert (tmp_path / 'tracks.csv').read_text().splitlines()[0] == 'frame,id,name,x,y,score'
    found = rows(tmp_path / 'tracks.csv')
    assert list(found) == [(i, 0) for i in range(40)]
    errors = [np.abs(found[i, 0][:, :2] - points(i)).max() for i in range(40)]
    assert max(errors) < 1.5
    assert found[0, 0][:, 2].tolist() == [0.9] * 5
    capture = cv2.VideoCapture(str(tmp_path / 'moving_labeled.mp4'))
    drawn = [image for done, image in (capture.read() for _ in range(50)) if done]
    assert len(drawn) == 40 and drawn[0].shape == (160, 200, 3) and capture.get(cv2.CAP_PROP_FPS) == 8
    # keypoint 0 is orange, (230, 159, 0) in RGB
    x, y = points(30)[0].astype(int)
    blue, _, red = drawn[30][y - 1 : y + 2, x - 1 : x + 2].mean(axis=(0, 1))
    assert red - blue > 60


def test_few_frames_are_searched_as_a_whole(moving, predict, finder, tmp_path):
    """Each fourth of a second, and the last one of a batch; the others start at the box of the nearest of them."""
    predict(moving, tmp_path, batch_size=10, draw=False)
    widths = np.array([box[2] - box[0] for box in finder.model.test_step.boxes])
    whole = int((widths > 100).sum())
    assert whole == 4 * 6  # 0, 2, 4, 6, 8, 9 of each batch
    assert len(widths) - whole < 2 * whole + 2.5 * (
        40 - whole
    )  # two more passes for each of them, one or two for others


def test_lost_animal_is_searched_again(predict, tmp_path):
    """It jumps to the other side within the quarter of a second."""
    video = write_video(tmp_path / 'jump.avi', [square(0 if i < 9 else 17) for i in range(16)], rate=32)
    predict(video, tmp_path / 'out', draw=False)
    found = rows(tmp_path / 'out' / 'tracks.csv')
    assert max(np.abs(found[i, 0][:, :2] - points(0 if i < 9 else 17)).max() for i in range(16)) < 1.5


def test_a_killed_run_continues(moving, predict, finder, table, tmp_path, monkeypatch):
    def interrupted(self, indices, images, find=FrameFinder.__call__):
        if indices[0] >= 24:
            raise KeyboardInterrupt
        return find(self, indices, images)

    out = tmp_path / 'out'
    with monkeypatch.context() as patch:
        patch.setattr(FrameFinder, '__call__', interrupted)
        with pytest.raises(KeyboardInterrupt):
            predict(moving, out, draw=False, batch_size=12)
    assert not (out / 'tracks.csv').exists()
    with (out / 'moving.frames.jsonl').open('a') as file:
        file.write('[{"frame":24,"wid')  # killed while it wrote
    done = predict(moving, out, draw=False, batch_size=12)
    assert (done.predicted, done.frames) == (16, 40)
    assert (out / 'tracks.csv').read_text() == table


def test_full_disk(moving, predict, table, tmp_path, monkeypatch):
    out, synced = tmp_path / 'out', []

    def full(file, fsync=os.fsync):
        synced.append(file)
        if len(synced) > 2:  # the settings, and one batch
            raise OSError(errno.ENOSPC, 'No space left on device')
        return fsync(file)

    with monkeypatch.context() as patch:
        patch.setattr(os, 'fsync', full)
        with pytest.raises(OSError, match='No space left on device, 12 frames are kept; the same command continues'):
            predict(moving, out, draw=False, batch_size=12)
    done = predict(moving, out, draw=False, batch_size=12)
    assert 16 <= done.predicted <= 28 and (out / 'tracks.csv').read_text() == table


def test_full_disk_while_drawing(moving, predict, tmp_path, monkeypatch):
    """OpenCV does not say that a frame was not written: the file is counted."""
    (tmp_path / 'moving_labeled.mp4').write_bytes(b'earlier')
    monkeypatch.setattr('clamp_mmpose.apis.video.draw._count', lambda path: 39)
    with pytest.raises(OSError, match=r'moving_labeled.mp4 could not be written as a whole'):
        predict(moving, tmp_path)
    assert (tmp_path / 'moving_labeled.mp4').read_bytes() == b'earlier'
    assert len(rows(tmp_path / 'tracks.csv')) == 40
    assert not list(tmp_path.glob('.*.part*'))


def test_thinning_and_smoothing(moving, predict, tmp_path):
    done = predict(moving, tmp_path, every=3, draw=False)
    found = rows(tmp_path / 'tracks.csv')
    assert [frame for frame, _ in found] == list(range(0, 40, 3)) and done.predicted == 14
    again = predict(moving, tmp_path, every=3, smooth=3.0, formats=['dlc-csv', 'yolo'], threshold=0.95)
    assert again.predicted == 0  # only smoothed, written and drawn
    smooth = rows(tmp_path / 'tracks.csv')
    # a Gaussian of 3 frames over frames 3 apart, cut at three standard deviations
    weights = np.exp(-(np.arange(-3, 4) ** 2) / 2)
    near = np.array([found[15 + 3 * i, 0][:, :2] for i in range(-3, 4)])
    expected = np.tensordot(weights / weights.sum(), near, 1)
    np.testing.assert_allclose(smooth[15, 0][:, :2], expected, atol=2e-3)
    assert (tmp_path / 'moving.dlc.csv').is_file()
    (labels, *_) = sorted((tmp_path / 'moving.yolo/train/labels').iterdir())
    assert labels.read_text().split()[7::3] == ['0'] * 5  # their scores are 0.9
    capture = cv2.VideoCapture(str(tmp_path / 'moving_labeled.mp4'))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 14
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(8 / 3, abs=0.01)


def test_a_damaged_video_keeps_what_is_done(moving, predict, tmp_path):
    content = Path(moving).read_bytes()
    (tmp_path / 'cut.avi').write_bytes(content[: len(content) // 2])
    done = predict(str(tmp_path / 'cut.avi'), tmp_path / 'out')
    assert 10 < done.frames < 30
    assert f'has 40 frames by its header, but only {done.frames} could be read' in str(done.damage)
    found = rows(tmp_path / 'out' / 'tracks.csv')
    assert len(found) == done.frames and np.abs(found[9, 0][:, :2] - points(9)).max() < 1.5
    (tmp_path / 'no.avi').write_bytes(content[:100])
    with pytest.raises(ValueError, match=r'no\.avi cannot be opened'):
        predict(str(tmp_path / 'no.avi'), tmp_path / 'out')
    with pytest.raises(FileNotFoundError, match=r'nowhere\.avi does not exist'):
        predict('nowhere.avi', tmp_path / 'out')


def test_other_settings_are_refused(moving, predict, finder, tmp_path, monkeypatch):
    predict(moving, tmp_path, draw=False, every=8)
    with pytest.raises(ValueError, match=r'other settings \(every\): give another --out-dir, or --overwrite'):
        predict(moving, tmp_path, draw=False)
    monkeypatch.setattr(finder, 'keypoint_names', ['snout', *NAMES[1:]])
    with pytest.raises(ValueError, match=r"has tracks of another skeleton \(\['nose', .*, expected \['snout', "):
        predict(moving, tmp_path, draw=False, every=8)
    assert predict(moving, tmp_path, draw=False, every=8, overwrite=True).predicted == 5
    journal = tmp_path / 'moving.frames.jsonl'
    journal.write_text(journal.read_text().replace('"frame"', '"frame'))
    with pytest.raises(ValueError, match=r'moving\.frames\.jsonl is damaged'):
        predict(moving, tmp_path, draw=False, every=8)


def test_another_checkpoint_of_the_same_size_is_refused(moving, finder, trained, tmp_path):
    checkpoint = shutil.copy(trained[1], tmp_path / 'a.pth')
    predict_video(finder, moving, tmp_path, checkpoint=str(checkpoint), every=20, draw=False)
    os.utime(checkpoint, (0, 0))
    with pytest.raises(ValueError, match=r'other settings \(model\)'):
        predict_video(finder, moving, tmp_path, checkpoint=str(checkpoint), every=20, draw=False)


def test_tracks_are_read_back(moving, predict, tmp_path):
    predict(moving, tmp_path, draw=False, every=8)
    found, expected = read_tracks(tmp_path / 'tracks.csv', NAMES), rows(tmp_path / 'tracks.csv')
    assert list(found) == list(expected)
    np.testing.assert_allclose(found[16, 0], expected[16, 0])
    for names in (['snout', *NAMES[1:]], NAMES[:4], [*NAMES, 'tail']):
        with pytest.raises(ValueError, match=r'are of another skeleton: they have nose, left eye'):
            read_tracks(tmp_path / 'tracks.csv', names)
    (tmp_path / 'inf.csv').write_text('frame,id,name,x,y,score\n0,0,nose,,,0.5\n0,0,nose,1,inf,0.5\n')
    with pytest.raises(ValueError, match=r'inf\.csv, line 3 cannot be read: inf is not a finite number'):
        read_tracks(tmp_path / 'inf.csv', ['nose'])
    (tmp_path / 'other.csv').write_text('frame,x,y\n0,1,2\n')
    with pytest.raises(ValueError, match='must have the columns frame,id,name,x,y,score, got frame,x,y'):
        read_tracks(tmp_path / 'other.csv', NAMES)


def test_fixed_box(moving, predict, finder, tmp_path):
    predict(moving, tmp_path, draw=False, box=[10, 0, 170, 160], every=20)
    assert [box.tolist() for box in finder.model.test_step.boxes] == [[10, 0, 170, 160]] * 2


@pytest.fixture
def detector(finder, monkeypatch):
    """The finder has a detector that finds each square."""

    def detected(image, *thresholds):
        found = cv2.connectedComponentsWithStats((image[..., 0] > 128).astype(np.uint8))[2][1:, :4]
        return np.array([[x - 2, y - 2, x + w + 2, y + h + 2, 0.5] for x, y, w, h in found], np.float32)

    monkeypatch.setattr(finder, 'two_pass', False)
    monkeypatch.setattr(finder, 'detector', object())
    monkeypatch.setattr(finder, '_find_boxes', detected)


@pytest.mark.usefixtures('detector')
def test_detected_animals_are_followed(predict, tmp_path):
    """Two squares, one of which is not detected in four frames; a box around both is what no animal is."""
    both = [np.maximum(square(i), square(i + 17)) if i not in (5, 6, 7, 8) else square(i) for i in range(20)]
    video = write_video(tmp_path / 'two.avi', both)
    predict(video, tmp_path / 'out', max_instances=2)
    found = rows(tmp_path / 'out' / 'tracks.csv')
    assert len(found) == 36
    first = 0 if np.abs(found[0, 0][:, :2] - points(0)).max() < 1.5 else 1
    for i in range(20):
        assert np.abs(found[i, first][:, :2] - points(i)).max() < 1.5
        if i not in (5, 6, 7, 8):
            assert np.abs(found[i, 1 - first][:, :2] - points(i + 17)).max() < 1.5
    assert found[0, 0][0, 2] == 0.9


@pytest.mark.usefixtures('detector')
def test_a_track_may_be_lost_in_one_of_the_predicted_frames(predict, tmp_path):
    """Frames 0, 10 and 20 of a video of 8 frames a second: 20 frames are more than the second that is usual."""
    both = np.maximum(square(0), square(17))
    video = write_video(tmp_path / 'two.avi', [square(0) if i == 10 else both for i in range(21)])
    predict(video, tmp_path / 'out', every=10, draw=False)
    assert sorted(track for _, track in rows(tmp_path / 'out' / 'tracks.csv')) in ([0, 0, 0, 1, 1], [0, 0, 1, 1, 1])


def test_names_are_drawn_if_they_are_few():
    skeleton = Skeleton(tuple(NAMES))
    found = PredictedInstance(points(0), np.ones(5), (0.0, 0.0, 9.0, 9.0), 1.0, 3)
    far = PredictedInstance(points(17), np.ones(5), (100.0, 100.0, 109.0, 109.0), 1.0, 4)
    blank = np.zeros((160, 200, 3), np.uint8)
    with_names = draw_frame(blank, PredictedFrame('a.mp4', 200, 160, 0, [found]), skeleton)
    dots = draw_frame(blank, PredictedFrame('a.mp4', 200, 160, 0, [found, found, far]), skeleton)
    assert blank.max() == 0
    near = np.zeros((160, 200), np.uint8)
    for x, y in [*points(0), *points(17)]:
        cv2.circle(near, (round(x), round(y)), 5, 1, -1)
    near[:25, :25] = near[80:105, 95:125] = 1  # the numbers of the tracks
    assert with_names[near == 0].any() and not dots[near == 0].any() and dots[near == 1].any()


def test_real_frames(shared_data, finder, predict, tmp_path, monkeypatch):
    """The mouse of the open field is the largest dark region; single frames, so that each is searched as a whole."""

    def largest(crop):
        _, labels, stats, _ = cv2.connectedComponentsWithStats(((crop < 50) & (crop > 0)).astype(np.uint8))
        return labels == 1 + np.argmax(stats[1:, cv2.CC_STAT_AREA])

    folder = shared_data / 'openfield_mouse'
    content = json.loads((folder / 'annotations' / 'val.json').read_text())
    boxes = {entry['image_id']: entry['bbox'] for entry in content['annotations']}
    images = content['images'][:12]
    photos = [cv2.imread(str(folder / 'images' / image['file_name'])) for image in images]
    video = write_video(tmp_path / 'mouse.mp4', photos, rate=4, codec='mp4v')
    monkeypatch.setattr(finder.model, 'test_step', FindsSquare(bright=largest))
    predict(video, tmp_path / 'out', draw=False)
    found = rows(tmp_path / 'out' / 'tracks.csv')
    assert len(found) == 12
    inside = []
    for i, image in enumerate(images):
        x, y, w, h = boxes[image['id']]
        center = found[i, 0][4, :2]
        inside.append(x <= center[0] <= x + w and y <= center[1] <= y + h)
    assert inside == [True] * 12
