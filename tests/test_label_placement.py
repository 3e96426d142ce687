"""Labels of keypoints: apart from each other, inside the image, joined to their points."""

import time

import cv2
import numpy as np
import pytest

from clamp_mmpose.visualization import draw_named_keypoints
from clamp_mmpose.visualization.label_placement import leader_start, place_labels
from clamp_mmpose.visualization.named_keypoints import PALETTE, _labels

# AP-10K's keypoints of a small animal seen from the side
NAMES = [
    'left eye',
    'right eye',
    'nose',
    'neck',
    'root of tail',
    'left shoulder',
    'left elbow',
    'left front paw',
    'right shoulder',
    'right elbow',
    'right front paw',
    'left hip',
    'left knee',
    'left back paw',
    'right hip',
    'right knee',
    'right back paw',
]
X = [60, 66, 62, 80, 160, 90, 88, 86, 98, 97, 99, 150, 152, 150, 158, 160, 162]
Y = [40, 40, 50, 55, 60, 75, 95, 115, 75, 95, 115, 75, 95, 115, 75, 95, 115]
POINTS = np.stack([X, Y], axis=1)
SIZE = (240, 160)


def apart_and_inside(boxes, size):
    canvas = np.zeros(size[::-1], int)
    for x1, y1, x2, y2 in boxes:
        assert 0 <= x1 < x2 <= size[0] and 0 <= y1 < y2 <= size[1]
        canvas[y1:y2, x1:x2] += 1
    return canvas.max() == 1


@pytest.mark.parametrize('points', [POINTS, np.clip(3 * (POINTS - 100), 0, (239, 159)), POINTS // 8 + 100])
def test_seventeen_labels_in_a_small_image(points):
    """Spread, at the edges of the image, and crowded into 13 x 10 pixels."""
    labels = _labels(points, NAMES, SIZE, 1.0, 0.35)
    # each point has its label, or shares that of a neighbor within a pixel
    assert sum(1 + int(text.partition(' +')[2] or 0) for _, text, *_ in labels) == 17
    assert apart_and_inside([box for *_, box, _ in labels], SIZE)


def test_every_label_has_a_place_and_covers_no_point():
    labels = _labels(POINTS, NAMES, SIZE, 1.0, 0.35)
    assert [text for _, text, *_ in labels] == NAMES
    for _, _, (x1, y1, x2, y2), _ in labels:
        assert not (([x1, y1] <= POINTS) & ([x2, y2] > POINTS)).all(axis=1).any()


def test_text_stays_in_its_box():
    """The drawn image differs from one without names only in the boxes and on the leaders, which end at the points."""
    gray = np.full((160, 240, 3), 100, np.uint8)
    named = draw_named_keypoints(gray, POINTS, NAMES)
    expected = (draw_named_keypoints(gray, POINTS, [''] * 17) != gray).any(axis=2)
    for k, _, box, _ in _labels(POINTS, NAMES, SIZE, 1.0, 0.35):
        x1, y1, x2, y2 = box
        expected[y1:y2, x1:x2] = True
        start = leader_start(box, POINTS[k])
        assert x1 <= start[0] < x2 and y1 <= start[1] < y2
        line = np.zeros((160, 240), np.uint8)
        cv2.line(line, start, POINTS[k].tolist(), 255, 1, cv2.LINE_AA)
        assert line[POINTS[k, 1], POINTS[k, 0]]
        expected |= line > 0
    assert not ((named != gray).any(axis=2) & ~expected).any()


def test_leader_ends_at_its_point():
    image = np.zeros((200, 200, 3), np.uint8)
    point = np.array([[100, 100]])
    ((_, _, box, _),) = _labels(point, ['nose'], (200, 200), 1.0, 0.35)
    drawn = draw_named_keypoints(image, point, ['nose'])
    # the first name is to the right; its leader is horizontal and in the color of the point
    assert box[0] > 100 and box[1] <= 100 < box[3]
    assert tuple(drawn[100, 100]) == PALETTE[0] and (box[0], drawn[100, 104, 0] > 100) == (105, True)


def test_one_label_where_points_coincide():
    points = np.array([[50, 50], [50, 50], [51, 50], [50, 53], [90, 50]])
    labels = _labels(points, ['a', 'b', 'c', 'd', 'e'], (200, 100), 1.0, 0.35)
    assert [text for _, text, *_ in labels] == ['a +2', 'd', 'e']
    same = _labels(np.full((17, 2), 30), NAMES, (200, 100), 1.0, 0.35)
    assert [text for _, text, *_ in same] == ['left eye +16']


def test_labels_of_several_instances_do_not_overlap():
    image = np.full((160, 240, 3), 100, np.uint8)
    people = np.stack([POINTS[:4], POINTS[:4] + 3])
    drawn = draw_named_keypoints(image, people, NAMES[:4], scores=np.ones((2, 4)))
    assert (drawn != image).any()
    labels = _labels(people.reshape(-1, 2), NAMES[:4] * 2, SIZE, 1.0, 0.35)
    assert len(labels) == 8 and apart_and_inside([box for *_, box, _ in labels], SIZE)
    for point in people.reshape(-1, 2)[[0, 4]]:
        assert tuple(drawn[point[1], point[0]]) == PALETTE[0]  # the same keypoint has the same color in each instance


def test_places_by_hand():
    # to the right of the point, its middle at the same height; 5 pixels away
    assert place_labels([[20, 20]], [[10, 6]], (60, 40), gap=5).tolist() == [[25, 17, 35, 23]]
    # no room to the right, and the point's own dot is left free: to the left
    ((x1, y1, x2, y2),) = place_labels([[55, 20]], [[10, 6]], (60, 40), gap=5, radius=1)
    assert (x1, y1, x2, y2) == (40, 17, 50, 23)
    # larger than the image
    assert place_labels([[5, 5]], [[100, 6]], (60, 40), gap=5).tolist() == [[-1, -1, -1, -1]]
    # room for one of two
    assert (place_labels([[5, 5], [9, 9]], [[12, 12]] * 2, (14, 14), gap=2) >= 0).all(axis=1).tolist() == [True, False]
    assert place_labels(np.zeros((0, 2)), np.zeros((0, 2)), (9, 9), gap=2).shape == (0, 4)


def test_fast_enough_for_video():
    """68 points of a face; about 50 ms on a busy core."""
    points = np.random.default_rng(0).normal((640, 360), 80, (68, 2))
    image = np.zeros((720, 1280, 3), np.uint8)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        draw_named_keypoints(image, points, [f'face point {k}' for k in range(68)])
        times.append(time.perf_counter() - start)
    assert min(times) < 0.5


def test_points_that_opencv_cannot_reach():
    """A diverged prediction: farther points are left out as NaN is; a near one outside has its label at the edge."""
    image = np.zeros((100, 200, 3), np.uint8)
    far = [[1e12, 5], [-1e300, 5], [5, np.inf], [np.nan, 5]]
    assert not draw_named_keypoints(image, far, list('abcd'), links=[(0, 1), (1, 2)]).any()
    named = draw_named_keypoints(image, [*far, [-50, 20]], list('abcde'), links=[(0, 4)])
    assert (named == draw_named_keypoints(image, [[0, 0]] * 4 + [[-50, 20]], list('abcde'), [0, 0, 0, 0, 1])).all()
    assert named[:, :40].any()
