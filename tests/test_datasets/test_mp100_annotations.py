"""The instances that the benchmark uses, and the errors for broken annotation files."""

import json
import os

import numpy as np
import pytest

from clamp_mmpose.datasets.files.coco import read_annotations
from clamp_mmpose.datasets.mp100.annotations import category_slug, category_slugs, clean_box, read_instances


@pytest.mark.parametrize(
    'box, size, cleaned',
    [
        ([10, 20, 100, 50], (1000, 1000), [10, 20, 99, 49]),
        ([-10, -5, 40, 30], (1000, 1000), [0, 0, 39, 29]),  # the corner moves in, the size stays
        ([80, 20, 100, 50], (120, 60), [80, 20, 39, 39]),
        ([10.5, 20.25, 30.5, 10], (100, 100), [10.5, 20.25, 29.5, 9]),
        ([10, 20, -5, 50], (100, 100), None),
        ([10, 20, 5, 0], (100, 100), None),
        ([10, 20, 1, 30], (100, 100), None),  # nothing is left of one pixel
        ([100, 20, 5, 5], (100, 100), None),
        ([20, 300, 5, 5], (100, 100), None),
    ],
)
def test_clean_box(box, size, cleaned):
    assert clean_box(box, *size) == cleaned


def annotation(number, image, category=7, **values):
    keypoints = dict.fromkeys((7, 9))
    keypoints[7] = [10, 11, 2.0, 20, 12, 1, 0, 0, 0]
    keypoints[9] = [5, 6, 1.0, 7, 8, 0.0]
    return dict(
        dict(
            id=number,
            image_id=image,
            category_id=category,
            bbox=[4, 5, 40, 31],
            area=1200,
            iscrowd=0,
            num_keypoints=2,
            keypoints=keypoints[category],
        ),
        **values,
    )


@pytest.fixture
def content():
    return dict(
        images=[dict(id=i, file_name=f'{i}.jpg', width=64, height=48) for i in (3, 1, 2)],
        annotations=[
            annotation(30, 2),
            annotation(10, 1, 9),
            annotation(20, 3),
            annotation(21, 3, 9),
            annotation(11, 1, keypoints=[10, 11, 0] * 3),
        ],
        categories=[
            dict(id=9, name='Tern', supercategory='bird', keypoints=['0', '1'], skeleton=[]),
            dict(id=7, name='bed', supercategory='furniture', keypoints=['a', 'b', 'c'], skeleton=[]),
        ],
    )


@pytest.fixture
def read(tmp_path):
    def write_and_read(content):
        (tmp_path / 'ann.json').write_text(content if isinstance(content, str) else json.dumps(content))
        return read_instances(tmp_path / 'ann.json')

    return write_and_read


def test_order_and_values(content, read):
    found = read(content)
    assert [(i.index, i.id, i.image_id, i.category_id) for i in found.instances] == [
        (0, 20, 3, 7),
        (1, 21, 3, 9),
        (2, 10, 1, 9),
        (3, 11, 1, 7),
        (4, 30, 2, 7),
    ]
    assert [(c.id, c.slug, c.supercategory, c.num_keypoints) for c in found.categories.values()] == [
        (9, 'tern', 'bird', 2),
        (7, 'bed', 'furniture', 3),
    ]
    assert found.dropped == [] and list(found.images) == [3, 1, 2]
    first = found.instances[0]
    np.testing.assert_array_equal(first.keypoints, [[10, 11], [20, 12], [0, 0]])
    assert first.visible.tolist() == [True, True, False], 'v = 1 is visible as well'
    assert first.bbox == [4, 5, 39, 30] and first.normalizer == 39
    assert found.instances[2].visible.tolist() == [True, False]
    assert found.instances[3].visible.tolist() == [False] * 3, 'nothing visible: kept'


@pytest.mark.parametrize(
    'values',
    [
        dict(bbox=[10, 10, -3, 20]),
        dict(bbox=[10, 10, 20, 0]),
        dict(bbox=[70, 10, 20, 20]),
        dict(area=0),
        dict(area=-4.5),
        dict(iscrowd=1),
    ],
)
def test_dropped(content, read, values):
    """The instances after a dropped one move up."""
    content['annotations'][1].update(values)
    found = read(content)
    assert found.dropped == [10]
    assert [(i.index, i.id) for i in found.instances] == [(0, 20), (1, 21), (2, 11), (3, 30)]


def test_area_may_be_missing(content, read):
    del content['annotations'][1]['area']
    found = read(content)
    assert found.dropped == [] and found.instances[2].area == 39 * 30


@pytest.mark.parametrize(
    'spoil, message',
    [
        (lambda c: c['annotations'][0].pop('bbox'), 'annotation 30 has no bbox'),
        (lambda c: c['annotations'][0].pop('keypoints'), 'annotation 30 has no keypoints'),
        (lambda c: c['images'][0].pop('width'), 'image 3 has no width'),
        (lambda c: c['images'][0].update(height=0), 'image 3 is 64 by 0'),
        (lambda c: c['categories'][0].pop('name'), 'category 9 has no name'),
        (lambda c: c['categories'][0].update(keypoints=3), 'category 9 must list its keypoints'),
        (lambda c: c['annotations'][0]['keypoints'].pop(), 'annotation 30 are 8 numbers'),
        (lambda c: c['annotations'][0].update(keypoints=[1, 2, 2] * 4), "30 has 4 keypoints, its category 'bed'"),
        (lambda c: c['annotations'][0].update(keypoints=None), 'keypoints of annotation 30 must be a list'),
        (
            lambda c: c['annotations'][0].update(category_id=[7]),
            'annotation 30 must be a list and its category_id an int',
        ),
        (lambda c: c['annotations'][0].update(image_id=8), 'annotation 30 refers to image 8'),
        (lambda c: c['annotations'][0].update(category_id=8), r'annotation 30 has the category 8.*\[9, 7\]'),
        (lambda c: c['annotations'][0].update(id=20), 'annotation id 20 occurs more than once'),
        (lambda c: c['annotations'][0].update(id='x'), 'annotation number 0 of the list'),
        (lambda c: c['annotations'].append(5), 'annotation number 5 of the list'),
        (lambda c: c['images'][1].update(id=3), 'image id 3 occurs more than once'),
        (lambda c: c['categories'][0].update(id=7), 'category id 7 occurs more than once'),
        (lambda c: c['categories'][0].update(name='Bed'), "categories 9 and 7 are both named 'bed'"),
        (lambda c: c['annotations'][0].update(bbox=[1, 2, 3]), 'box of annotation 30'),
        (lambda c: c['annotations'][0].update(bbox=[1, 2, 3, float('nan')]), 'box of annotation 30'),
        (lambda c: c['annotations'][0].update(bbox=[1, 2, [3], 4]), 'box of annotation 30'),
        (lambda c: c['annotations'][0].update(area=float('inf')), 'area of annotation 30'),
        (lambda c: c['annotations'][0]['keypoints'].__setitem__(4, float('inf')), 'keypoints of annotation 30'),
        (lambda c: c['annotations'][0]['keypoints'].__setitem__(4, '12'), 'keypoints of annotation 30'),
        (lambda c: c['annotations'][0]['keypoints'].__setitem__(4, None), 'keypoints of annotation 30'),
        (lambda c: c.pop('images'), 'no list of images'),
    ],
)
def test_malformed(content, read, spoil, message):
    spoil(content)
    with pytest.raises(ValueError, match=message) as error:
        read(content)
    assert 'ann.json' in str(error.value)


@pytest.mark.parametrize('spoil', [lambda c: c.update(keypoints=[]), lambda c: c.pop('keypoints')])
def test_categories_that_list_no_keypoints(content, read, spoil):
    """Like MP-100's faces, 18 and 40: their annotations say how many there are."""
    spoil(content['categories'][1])
    content['categories'][1]['name'] = 'face'
    assert read(content).categories[7] == (7, 'face', 'furniture', 3)
    for ann in content['annotations']:
        if ann['category_id'] == 7:
            ann['keypoints'] = [10, 11, 2] * 19
    assert read(content).categories[7] == (7, 'face', 'furniture', 19)  # not MP-100's, which has the id 18
    content['annotations'][2]['keypoints'] = [10, 11, 2] * 18
    with pytest.raises(ValueError, match="annotation 20 has 18 keypoints, its category 'face' has 19"):
        read(content)


def test_not_json(read, tmp_path):
    with pytest.raises(ValueError, match='truncated'):
        read('{"images": [')
    with pytest.raises(FileNotFoundError, match=r'gone\.json'):
        read_instances(tmp_path / 'gone.json')


def test_the_two_faces():
    assert [category_slug('face', 19), category_slug('face', 68), category_slug('face', 9)] == [
        'face_19_points',
        'face_68_points',
        'face',
    ]


def test_only_files_of_mp100_get_its_slugs():
    both = [dict(id=18, name='face'), dict(id=40, name='Face')]
    assert category_slugs(both, {18: 19, 40: 68}) == {18: 'face_19_points', 40: 'face_68_points'}
    with_dog = [dict(id=3, name='dog_body'), dict(id=40, name='face')]
    assert category_slugs(with_dog, {3: 17, 40: 68}) == {3: 'dog_body', 40: 'face_68_points'}
    for number in (1, 40):  # a data set of one's own
        assert category_slugs([dict(id=number, name='face')], {number: 68}) == {number: 'face'}
    others = [dict(id=1, name='hand'), dict(id=2, name='face')]
    assert category_slugs(others, {1: 21, 2: 68}) == {1: 'hand', 2: 'face'}
    others = [dict(id=1, name='mug'), dict(id=40, name='face')]
    assert category_slugs(others, {1: 3, 40: 68}) == {1: 'mug', 40: 'face'}


def test_split_1(shared_data):
    found = read_instances(shared_data / 'mp100/annotations/mp100_split1_test.json')
    assert len(found.instances) == 2000 and len(found.categories) == 20 and not found.dropped
    assert [found.categories[i].slug for i in (10, 60)] == ['klipspringer_face', 'short_sleeved_dress']
    given = {c['id']: c for c in json.loads((shared_data / 'mp100/categories.json').read_text())}
    assert all(category.num_keypoints == given[i]['num_keypoints'] for i, category in found.categories.items())
    assert len({category_slug(c['name'], c['num_keypoints']) for c in given.values()}) == 100


def test_a_file_is_read_once_until_it_changes(content, read, tmp_path, monkeypatch):
    """The data set, the metric and the score file ask for the same annotations."""
    opened = []

    def counted(path, remedy, **options):
        opened.append(path)
        return read_annotations(path, remedy, **options)

    monkeypatch.setattr('clamp_mmpose.datasets.mp100.annotations.read_annotations', counted)
    first = read(content)
    assert read_instances(str(tmp_path / 'ann.json')) is first and len(opened) == 1
    with pytest.raises(ValueError, match='read-only'):
        first.instances[0].keypoints[0] = 0
    content['annotations'].pop()
    assert len(read(content).instances) == len(first.instances) - 1 and len(opened) == 2
    path = tmp_path / 'ann.json'
    stat = path.stat()
    path.write_text(path.read_text() + ' ')
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert read_instances(path) and len(opened) == 3, 'of another size'
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert read_instances(path) and len(opened) == 4, 'written later'
    path.unlink()
    with pytest.raises(FileNotFoundError):
        read_instances(tmp_path / 'ann.json')
