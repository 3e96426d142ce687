"""Faults planted in an annotation file: each is found at its image, and nothing else."""

import copy
import json

import pytest
from toy_dataset import LEVELS

from clamp_mmpose.data_check.check import check_dataset


def keypoints(*values):
    return lambda c: c['annotations'][1].update(keypoints=list(values))


def box(*values):
    return lambda c: c['annotations'][1].update(bbox=list(values))


def set_ann(**values):
    return lambda c: c['annotations'][1].update(values)


CONTENT = {
    'fewer keypoints': (keypoints(10, 11, 2, 20, 12, 1), 'number of keypoints differs from the metainfo'),
    'not triplets': (keypoints(10, 11, 2, 20, 12, 1, 0), 'keypoints are not triplets'),
    'keypoints are a word': (set_ann(keypoints='none'), 'keypoints are not triplets'),
    'NaN': (keypoints(10, float('nan'), 2, 20, 12, 1, 0, 0, 0), 'keypoint is not a finite number'),
    'word': (keypoints(10, '11', 2, 20, 12, 1, 0, 0, 0), 'keypoint is not a finite number'),
    'null': (keypoints(10, None, 2, 20, 12, 1, 0, 0, 0), 'keypoint is not a finite number'),
    'v=3': (keypoints(10, 11, 3, 20, 12, 1, 0, 0, 0), 'visibility is not 0, 1 or 2'),
    'far away': (keypoints(10, 11, 2, 20, 1200, 1, 0, 0, 0), 'keypoint lies far outside the image'),
    'num_keypoints': (set_ann(num_keypoints=3), 'num_keypoints is not the number of labeled keypoints'),
    'box outside': (box(70, 5, 40, 30), 'box lies outside the image'),
    'box left of the image': (box(-50, 5, 40, 30), 'box lies outside the image'),
    'box beyond': (box(4, 5, 70, 30), 'box reaches beyond the image'),
    'box empty': (box(4, 5, 0, 30), 'box is empty'),
    'box infinite': (box(4, 5, float('inf'), 30), 'box is not four finite numbers'),
    'box of words': (box(4, 5, 40, 'high'), 'box is not four finite numbers'),
    'box of three': (box(4, 5, 40), 'box is not four finite numbers'),
    'huge integer': (box(4, 5, 10**400, 30), 'box is not four finite numbers'),
    'crowd box': (set_ann(bbox=[4, 5, 0, 30], iscrowd=1), 'box of an unused instance is faulty'),
    'no box': (lambda c: c['annotations'][1].pop('bbox'), 'annotation without box or keypoints'),
    'no area': (lambda c: c['annotations'][1].pop('area'), 'area is missing'),
    'zero area': (set_ann(area=0), 'area is not positive'),
    'area a word': (set_ann(area='large'), 'area is not positive'),
    'large area': (set_ann(area=3000), 'area is larger than the box'),
    'annotation twice': (set_ann(id=10), 'id occurs more than once'),
    'id a word': (set_ann(id='11'), 'id is not an integer'),
    'category': (set_ann(category_id=7), 'category_id does not exist'),
    'size missing': (lambda c: c['images'][1].pop('width'), 'image has no width and height'),
}
ELSEWHERE = {
    'image twice': (
        lambda c: c['images'].append(dict(c['images'][1], file_name='0.jpg')),
        {('error', 'id occurs more than once', '0.jpg')},
    ),
    'image gone': (
        set_ann(image_id=9),
        {('error', 'image_id does not exist', 'annotation 11'), ('info', 'images without annotations', 'train.json')},
    ),
    'image a list': (
        set_ann(image_id=[1]),
        {('error', 'image_id does not exist', 'annotation 11'), ('info', 'images without annotations', 'train.json')},
    ),
    'image not an object': (lambda c: c['images'].append('4.jpg'), {('error', 'entry is not an object', 'train.json')}),
    'file name missing': (lambda c: c['images'][1].pop('file_name'), {('error', 'image has no file name', 'image 1')}),
    'no list': (lambda c: c.update(categories={}), {('error', 'annotation file is not COCO-style', 'train.json')}),
    'other order': (
        lambda c: c['categories'][0].update(keypoints=['Nose', 'L_Ear', 'R_Ear']),
        {('warning', 'keypoints are in another order than in the metainfo', 'train.json')},
    ),
    'unlabeled': (
        set_ann(keypoints=[0] * 9, num_keypoints=0),
        {('info', 'instances without labeled keypoints', 'train.json')},
    ),
    'nothing left': (
        lambda c: [ann.update(keypoints=[0] * 9, num_keypoints=0) for ann in c['annotations']],
        {
            ('info', 'instances without labeled keypoints', 'train.json'),
            ('error', 'no labeled instance', 'train.json'),
        },
    ),
}


@pytest.mark.parametrize('name', CONTENT)
def test_faulty_instances(toy, name):
    spoil, what = CONTENT[name]
    spoil(toy.content)
    toy.write()
    assert toy.found() == [(LEVELS[what], what, '1.jpg')]


@pytest.mark.parametrize('name', ELSEWHERE)
def test_faulty_lists(toy, name):
    spoil, expected = ELSEWHERE[name]
    spoil(toy.content)
    toy.write()
    assert {(level, what, item.rsplit('/', 1)[-1]) for level, what, item in toy.found()} == expected


def test_wrong_types_are_findings_not_errors(toy):
    """Each value of the file is replaced by values of other types."""

    def places(node, path=()):
        yield path
        for key in node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
            yield from places(node[key], (*path, key))

    toy.content['images'] = toy.content['images'][:2]
    toy.content['annotations'] = toy.content['annotations'][:2]
    for path in list(places(toy.content))[1:]:
        for nonsense in (None, 'x', -1, 1.5, True, float('nan'), [], [1, 'x'], {}, {'a': 1}, '\0', 10**400):
            content = copy.deepcopy(toy.content)
            node = content
            for key in path[:-1]:
                node = node[key]
            node[path[-1]] = nonsense
            (toy.root / 'train.json').write_text(json.dumps(content))
            for finding in check_dataset(toy.dataset):
                json.dumps(finding.as_dict())


@pytest.mark.parametrize(
    'spoil',
    [
        box(-0.5, 5, 40, 30),
        box(24.5, 18.5, 40, 30),
        keypoints(-5, 11, 2, 20, 52, 1, 0, 0, 0),
        keypoints(10, 11, 2.0, 20, 12, 1, 900, 900, 0),
        set_ann(area=1250.0),
        set_ann(num_keypoints=2.0),
        lambda c: c['annotations'][1].pop('num_keypoints'),
        lambda c: c['categories'][0].pop('keypoints'),
        lambda c: c['categories'][0].update(keypoints=['LeftEar', 'R_ear', 'snout']),
    ],
)
def test_what_is_not_a_fault(toy, spoil):
    spoil(toy.content)
    toy.write()
    assert toy.found() == []


@pytest.mark.parametrize('values', [(-50, 5), (70, 5), (4, -40), (4, 50)])
def test_boxes_outside_on_each_side(toy, values):
    box(*values, 40, 30)(toy.content)
    toy.write()
    assert toy.found() == [('error', 'box lies outside the image', '1.jpg')]


@pytest.mark.parametrize('x, y', [(-8, 5), (72, 5), (5, -6), (5, 54)])
def test_keypoints_outside_on_each_side(toy, x, y):
    keypoints(10, 11, 2, x, y, 1, 0, 0, 0)(toy.content)
    toy.write()
    assert toy.found() == [('warning', 'keypoint lies far outside the image', '1.jpg')]
