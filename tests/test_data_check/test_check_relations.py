"""Entries that contradict each other, units and formats."""

import copy

import pytest
from toy_dataset import LEVELS


def each(change):
    return lambda content: [change(ann) for ann in content['annotations']]


def points(change):
    def apply(ann):
        x1, y1, _, x2, y2, *_ = ann['keypoints']
        (a, b), (c, d) = change(x1, y1), change(x2, y2)
        ann['keypoints'] = [a, b, 2, c, d, 1, 0, 0, 0]

    return each(apply)


def boxes(change):
    return each(lambda ann: ann.update(bbox=list(change(*ann['bbox']))))


def both(*changes):
    return lambda content: [change(content) for change in changes]


def wide(content):
    """Images of 64 x 48 with the instance at the right, so that x and y cannot be mistaken."""
    for ann in content['annotations']:
        ann.update(bbox=[40, 5, 20, 20], area=400, keypoints=[45, 8, 2, 55, 20, 1, 0, 0, 0])


KEYPOINTS = 'keypoints are not (x, y) in pixels of the image'
BOXES = 'boxes are not [x, y, width, height] in pixels'


@pytest.mark.parametrize(
    'spoil, what, detail',
    [
        (points(lambda x, y: (x / 64, y / 48)), KEYPOINTS, 'fractions of the image (0..1)'),
        (points(lambda x, y: (x / 0.64, y / 0.48)), KEYPOINTS, 'percent of the image'),
        (points(lambda x, y: (y, x)), KEYPOINTS, 'y and x swapped'),
        (points(lambda x, y: (x - 40, y - 5)), KEYPOINTS, 'relative to the box'),
        (points(lambda x, y: ((x - 40) / 20, (y - 5) / 20)), KEYPOINTS, 'fractions of the box'),
        (boxes(lambda x, y, w, h: (x, y, x + w, y + h)), BOXES, 'corners [x1, y1, x2, y2]'),
        (boxes(lambda x, y, w, h: (x + w / 2, y + h / 2, w, h)), BOXES, '[center x, center y, width, height]'),
        (boxes(lambda x, y, w, h: (x / 64, y / 48, w / 64, h / 48)), BOXES, 'fractions of the image (0..1)'),
        (boxes(lambda x, y, w, h: (x / 0.64, y / 0.48, w / 0.64, h / 0.48)), BOXES, 'percent of the image'),
        (boxes(lambda x, y, w, h: (y, x, h, w)), BOXES, 'y and x swapped'),
        (
            boxes(lambda x, y, w, h: ((x + w / 2) / 64, (y + h / 2) / 48, w / 64, h / 48)),
            BOXES,
            'fractions, [center x, center y, width, height] as YOLO',
        ),
        (
            both(
                points(lambda x, y: (x / 0.64, y / 0.48)),
                boxes(lambda x, y, w, h: (x / 0.64, y / 0.48, w / 0.64, h / 0.48)),
            ),
            BOXES,
            'percent of the image, keypoints as well',
        ),
        (
            both(points(lambda x, y: (x / 64, y / 48)), boxes(lambda x, y, w, h: (x / 64, y / 48, w / 64, h / 48))),
            BOXES,
            'fractions of the image (0..1)',
        ),
    ],
)
def test_units(toy, spoil, what, detail):
    from clamp_mmpose.data_check.check import check_dataset

    wide(toy.content)
    toy.write()
    assert toy.found() == []
    spoil(toy.content)
    toy.write()
    found = {f.text: f.detail for f in check_dataset(toy.dataset) if f.level == 'error'}
    assert list(found) == [what]
    assert detail in found[what]


@pytest.mark.parametrize(
    'spoil, what, item',
    [
        (
            lambda c: c['images'].append(dict(c['images'][1], id=9, file_name='./1.jpg')),
            'image is listed under several ids',
            './1.jpg',
        ),
        (
            lambda c: c['annotations'].append(dict(copy.deepcopy(c['annotations'][1]), id=99)),
            'instance is annotated twice',
            '1.jpg',
        ),
        (lambda c: c['annotations'][1].update(area=0.4), 'area is far smaller than the box', '1.jpg'),
        (
            lambda c: c['annotations'][1].update(bbox=[50, 38, 10, 8], area=80),
            'keypoints lie outside their own box',
            '1.jpg',
        ),
    ],
)
def test_relations(toy, spoil, what, item):
    spoil(toy.content)
    toy.write()
    assert [found for found in toy.found() if found[0] != 'info'] == [(LEVELS[what], what, item)]


def test_num_keypoints_0_everywhere(toy):
    """MMPose leaves out all of them, so nothing would be trained."""
    for ann in toy.content['annotations']:
        ann['num_keypoints'] = 0
    toy.write()
    assert ('error', 'no labeled instance', f'{toy.root}/train.json') in toy.found()


@pytest.mark.parametrize(
    'spoil',
    [
        lambda c: [
            c['categories'].append(dict(c['categories'][0], id=2, name='rat')),
            c['annotations'].append(dict(copy.deepcopy(c['annotations'][1]), id=99, category_id=2)),
        ],
        lambda c: c['annotations'][1].update(area=12),  # one percent of its box: a thin tail
        lambda c: c['annotations'][1].update(bbox=[50, 38, 10, 8], area=80, iscrowd=1),
        lambda c: c['annotations'][1].update(bbox=[12, 13, 20, 20], area=400),  # a keypoint a bit outside
    ],
)
def test_no_false_alarms(toy, spoil):
    spoil(toy.content)
    toy.write()
    assert [found for found in toy.found() if found[0] != 'info'] == []
