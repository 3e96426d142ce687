"""Numbers of tracks, and their smoothing, worked out by hand."""

import numpy as np
import pytest

from clamp_mmpose.apis.formats import PredictedFrame, PredictedInstance
from clamp_mmpose.apis.video import Tracker
from clamp_mmpose.apis.video.smoothing import smooth_tracks
from clamp_mmpose.apis.video.track import iou, oks


def animal(x, y=50.0, flipped=False, score=0.9):
    """20 x 10 pixels from (x, y); ``flipped``: it looks to the left."""
    ends = np.array([[x, y], [x + 20, y + 10]])
    return PredictedInstance(ends[::-1] if flipped else ends, np.full(2, score), (x, y, x + 20, y + 10), score)


def tracks(tracker, *rows):
    """The tracks of each row, in the order in which its animals were given; None: kept out."""
    given = []
    for index, row in rows:
        frame = PredictedFrame('a.mp4', 640, 480, index, list(row))
        tracker.update(frame)
        kept = [found.track for found in frame.instances]
        assert kept == sorted(kept)
        given.append([found.track for found in row])
    return given


def test_similarities():
    """Moved by 4 pixels of an area of 200: exp(-16 / (2 * 200 * 0.01)); 16 of 24 columns overlap."""
    first, second = animal(0.0), animal(4.0)
    assert oks(first, second, [0.05, 0.05]) == pytest.approx(np.exp(-4))
    assert oks(first, second, [0.1, 0.1]) == pytest.approx(np.exp(-1))
    assert iou(first.box, second.box) == pytest.approx(16 / 24)
    second.box = (0.0, 0.0, 100.0, 100.0)  # the area is that of the last one
    assert oks(first, second) == pytest.approx(np.exp(-4))
    second.scores = np.array([0.3, 0.0])  # only the first counts
    second.keypoints = np.array([[0, 50], [99, 99]], float)
    assert oks(first, second) == 1
    assert oks(first, animal(0.0, score=0.0)) == 0


def test_crossing_animals_keep_their_numbers():
    """Their boxes overlap by more than the own ones of the frame before; the keypoints tell them apart."""
    left = [animal(0.0), animal(8.0), animal(16.0), animal(24.0)]
    right = [
        animal(26.0, flipped=True),
        animal(18.0, flipped=True),
        animal(10.0, flipped=True),
        animal(2.0, flipped=True),
    ]
    rows = [(0, [left[0], right[0]]), (1, [right[1], left[1]]), (2, [left[2], right[2]]), (3, [right[3], left[3]])]
    assert tracks(Tracker([0.3, 0.3]), *rows) == [[0, 1], [1, 0], [0, 1], [1, 0]]


def test_gaps():
    rows = [(0, [animal(0.0), animal(100.0)]), (1, [animal(100.0)]), (5, [animal(2.0), animal(100.0)])]
    assert tracks(Tracker(max_gap=5), *rows) == [[0, 1], [1], [0, 1]]
    assert tracks(Tracker(max_gap=4), *rows) == [[0, 1], [1], [2, 1]]
    assert tracks(Tracker(), (0, [animal(0.0)]), (1, [animal(300.0)])) == [[0], [1]]


def test_known_number_of_animals():
    """The one of three with the lowest score is kept out; who appears far away is the one that was lost."""
    rows = [
        (0, [animal(0.0)]),
        (1, [animal(200.0, score=0.1), animal(300.0, score=0.8), animal(1.0)]),
        (2, [animal(301.0)]),
        (500, [animal(90.0), animal(302.0)]),
    ]
    assert tracks(Tracker(max_gap=5, max_tracks=2), *rows) == [[0], [None, 1, 0], [1], [0, 1]]


def test_the_nearest_goes_on_and_the_other_is_new():
    """Of two that jumped, 300 and 100 pixels, one is the third animal, which was not seen before."""
    rows = [(0, [animal(0.0), animal(1000.0)]), (1, [animal(300.0), animal(900.0)])]
    assert tracks(Tracker(max_tracks=3), *rows) == [[0, 1], [2, 1]]


def test_smoothing():
    """Weights exp(-1/2) on both sides, times the scores; a keypoint that was not found stays so."""
    frames = [PredictedFrame('a.mp4', 9, 9, i, [animal(x)]) for i, x in enumerate([0.0, 6.0, 0.0])]
    for frame in frames:
        frame.instances[0].track = 0
    frames[1].instances[0].scores = np.array([0.9, 0.45])
    frames[2].instances[0].keypoints[1] = np.nan
    smooth_tracks(frames, 1.0)
    side, far = np.exp(-0.5), np.exp(-2)
    found = [frame.instances[0].keypoints for frame in frames]
    assert found[1][0, 0] == pytest.approx(6 / (1 + 2 * side))
    assert found[0][0, 0] == pytest.approx(6 * side / (1 + side + far))
    assert found[1][1, 0] == pytest.approx((20 * side + 0.5 * 26) / (side + 0.5))
    assert np.isnan(found[2][1]).all() and found[2][0, 1] == 50


def test_smoothing_reaches_as_far_before_as_after():
    """Three deviations, with the weight exp(-9/2); what is farther away has none."""
    frames = [PredictedFrame('a.mp4', 9, 9, i, [animal(x)]) for i, x in [(0, 0.0), (3, 6.0), (7, 0.0)]]
    for frame in frames:
        frame.instances[0].track = 0
    smooth_tracks(frames, 1.0)
    far = np.exp(-4.5)
    found = [frame.instances[0].keypoints[0, 0] for frame in frames]
    assert found == pytest.approx([6 * far / (1 + far), 6 / (1 + far), 0])


def test_other_tracks_do_not_mix():
    frames = [PredictedFrame('a.mp4', 9, 9, i, [animal(0.0), animal(100.0)]) for i in range(3)]
    for frame in frames:
        frame.instances[0].track, frame.instances[1].track = 0, 1
    smooth_tracks(frames, 5.0)
    np.testing.assert_allclose([found.keypoints[0] for found in frames[1].instances], [[0, 50], [100, 50]])
