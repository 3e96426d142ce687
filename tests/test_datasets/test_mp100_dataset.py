"""MP-100 in the pipelines: a drawn image, two categories with different K and their own texts."""

import json

import numpy as np
import pytest
from mmengine.dataset import BaseDataset
from mmengine.registry import init_default_scope
from mmpose.registry import DATASETS
from mp100_files import DOTS
from PIL import Image

from clamp_mmpose.datasets.mp100.annotations import Instance, read_instances
from clamp_mmpose.datasets.mp100.mp100_dataset import few_images
from clamp_mmpose.language.text_queries import TextQueries


def build(mp100, **kwargs):
    return DATASETS.build(
        dict(
            dict(
                type='MP100Dataset',
                data_root=str(mp100),
                ann_file='ann.json',
                data_prefix=dict(img='images/'),
                texts=str(mp100 / 'texts'),
            ),
            **kwargs,
        )
    )


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_fields_of_an_instance(mp100):
    dataset = build(mp100)
    assert [dataset.get_data_info(i)['id'] for i in range(len(dataset))] == [10, 11, 12, 13]
    info = dataset.get_data_info(0)
    assert info['img_path'] == str(mp100 / 'images/mug/0.png') and info['img_id'] == 0 and info['category_id'] == 4
    np.testing.assert_array_equal(info['bbox'], [[20, 25, 120, 75]])
    np.testing.assert_array_equal(info['keypoints'], [DOTS])
    np.testing.assert_array_equal(info['keypoints_visible'], [[1, 1, 0]])
    assert info['keypoints'].dtype == info['keypoints_visible'].dtype == info['bbox'].dtype == np.float32
    assert (info['category'], info['supercategory'], info['dataset_name']) == ('mug', 'things', 'mp100')
    assert info['keypoint_names'] == ['left rim', 'right rim', 'bottom']
    assert info['keypoint_descriptions'][2] == 'The bottom is the middle of the lower edge.'
    assert (info['flip_indices'], info['flip_pairs']) == ([1, 0, 2], [(0, 1)])
    assert info['skeleton_links'] == [(0, 2), (1, 2)] and info['hidden_is_absent'] is False
    np.testing.assert_array_equal(info['dataset_keypoint_weights'], [1, 1, 1])
    pen = dataset.get_data_info(2)
    assert pen['keypoint_names'] == ['tip', 'cap'] and pen['flip_indices'] == [0, 1] and pen['flip_pairs'] == []
    pen['keypoint_names'].reverse()
    assert dataset.get_data_info(3)['keypoint_names'] == ['tip', 'cap'], 'a transform may change its own copy'
    assert dataset.metainfo == dict(dataset_name='mp100', ann_file=str(mp100 / 'ann.json'))


def test_instance_with_nothing_visible(mp100):
    ids = {
        name: [BaseDataset.get_data_info(dataset, i)['id'] for i in range(len(dataset))]
        for name, dataset in dict(
            train=build(mp100), test=build(mp100, test_mode=True), absent=build(mp100, hidden='absent')
        ).items()
    }
    assert ids == dict(train=[10, 11, 12, 13], test=[10, 11, 12, 13, 14], absent=[10, 11, 12, 13, 14])
    kept = read_instances(mp100 / 'ann.json')
    assert [i.id for i in kept.instances] == ids['test'] and kept.dropped == [15]
    assert build(mp100, hidden='absent').get_data_info(0)['hidden_is_absent'] is True


TRAIN = [
    dict(type='LoadIntactImage'),
    dict(type='GetBBoxCenterScale', padding=1.25),
    dict(type='RandomFlip', direction='horizontal', prob=1.0),
    dict(
        type='RandomBBoxTransform',
        shift_prob=0.0,
        rotate_factor=15.0,
        rotate_prob=1.0,
        scale_factor=(0.85, 1.15),
        scale_prob=1.0,
    ),
    dict(type='TopdownAffine', input_size=(256, 256)),
    dict(
        type='GenerateTarget',
        encoder=dict(
            type='IntegralRegressionLabel', input_size=(256, 256), heatmap_size=(64, 64), sigma=2.0, normalize=False
        ),
    ),
    dict(type='PackPoseInputs'),
]


def test_crop_is_square_on_the_longer_side(mp100):
    """A box of 100x50 around (70, 50): 125 pixels in 256, so that (x, y) goes to 128 + 2.048 ((x, y) - (70, 50))."""
    plain = [step for step in TRAIN if not step['type'].startswith('Random')]
    packed = build(mp100, pipeline=plain)[0]
    sample = packed['data_samples']
    np.testing.assert_allclose(sample.input_center, [70, 50])
    np.testing.assert_allclose(sample.input_scale, [125, 125])
    expected = (128 + (np.array(DOTS) - [70, 50]) * 256 / 125) / 256
    np.testing.assert_allclose(sample.gt_instance_labels.keypoint_labels[0], expected, atol=1e-5)
    assert sample.gt_instance_labels.keypoint_weights.tolist() == [[1, 1, 0]]
    assert sample.gt_fields.heatmaps.shape == (3, 64, 64)
    assert (sample.id, sample.img_id, sample.category_id, sample.flip_indices) == (10, 0, 4, [1, 0, 2])
    bright = packed['inputs'].float().mean(0)
    for x, y in expected * 256:
        assert bright[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3].max() > 100, (
            'the pixels move with the points'
        )


@pytest.mark.parametrize('index', [0, 2])
def test_stock_augmentations_keep_the_points_on_their_pixels(mp100, index):
    dataset = build(mp100, pipeline=TRAIN)
    np.random.seed(0)
    for _ in range(5):
        packed = dataset[index]
        sample = packed['data_samples']
        assert 125 * 0.85 <= sample.input_scale[0] <= 125 * 1.15 and sample.flip
        labels = sample.gt_instance_labels.keypoint_labels[0].numpy()
        assert labels.shape == (3 - index // 2, 2)
        if index == 0:
            assert labels[0, 0] < labels[1, 0], 'mirrored and swapped: the left rim is on the left again'
            bright = packed['inputs'].float().mean(0)
            for x, y in labels[:2] * 256:
                assert bright[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3].max() > 60


def test_missing_images(mp100, monkeypatch):
    for name in ('mug/1.png', 'pen/3.png', 'pen/2.png'):
        (mp100 / 'images' / name).unlink()
    with pytest.raises(FileNotFoundError, match='pen 2, mug 1') as error:
        build(mp100)
    for part in ('3 of 5 images', 'tools/check_dataset.py', 'missing_images="skip"', 'ann.json', 'mug/1.png'):
        assert part in str(error.value)
    logged = []
    monkeypatch.setattr('clamp_mmpose.datasets.mp100.mp100_dataset.print_log', lambda text, **_: logged.append(text))
    dataset = build(mp100, missing_images='skip', test_mode=True)
    assert [dataset.get_data_info(i)['id'] for i in range(len(dataset))] == [10, 14]
    assert len(logged) == 1 and 'pen 2, mug 1' in logged[0]
    (mp100 / 'images').rename(mp100 / 'renamed')
    with pytest.raises(FileNotFoundError, match='5 of 5 images'):
        build(mp100, missing_images='skip')


@pytest.mark.parametrize(
    'spoil, message',
    [
        (lambda f: edit(f / 'texts/mp100.yml', 'id: 9', 'id: 8'), r'category 9 \(pen\) has no texts in .*texts'),
        (
            lambda f: edit(f / 'texts/mp100.yml', 'slug: pen, name: pen', 'slug: rod, name: rod'),
            r"category 9 \(pen\) would get the texts of 'rod'",
        ),
        (
            lambda f: edit(f / 'ann.json', '"keypoints": ["0", "1"]', '"keypoints": ["0", "1", "2"]'),
            'annotation 12 has 2 keypoints, its category',
        ),
        (
            lambda f: [
                edit(
                    f / 'texts/mp100.yml',
                    '9, slug: pen, name: pen, supercategory: things, num_keypoints: 2',
                    '9, slug: pen, name: pen, supercategory: things, num_keypoints: 3',
                ),
                edit(f / 'texts/pen.yml', 'skeleton', '- clip: The clip holds it.\nskeleton'),
            ],
            r'category 9 \(pen\) has 2 keypoints in the annotations and 3 in the texts',
        ),
        (lambda f: edit(f / 'ann.json', '"images"', '"photos"'), 'no list of images'),
    ],
)
def test_annotations_and_texts_that_do_not_fit(mp100, spoil, message):
    spoil(mp100)
    with pytest.raises(ValueError, match=message):
        build(mp100)


@pytest.mark.parametrize(
    'setting',
    [
        dict(missing_images='ignore'),
        dict(hidden='no'),
        dict(data_mode='bottomup'),
        dict(bbox_file='boxes.json', test_mode=True),
    ],
)
def test_wrong_settings(mp100, setting):
    with pytest.raises(ValueError, match=next(iter(setting))):
        build(mp100, **setting)


def write_face(folder, number, count=68):
    """One own image whose only category is called face."""
    image = np.zeros((40, 40, 3), np.uint8)
    Image.fromarray(image).save(folder / 'face.png')
    points = [value for k in range(count) for value in (5 + k % 30, 5 + k // 30, 2)]
    annotation = dict(id=1, image_id=1, category_id=number, bbox=[2, 2, 36, 36], area=1296, keypoints=points)
    content = dict(
        images=[dict(id=1, file_name='face.png', width=40, height=40)],
        annotations=[dict(annotation, iscrowd=0)],
        categories=[dict(id=number, name='face', supercategory='own', keypoints=[str(k) for k in range(count)])],
    )
    (folder / 'face.json').write_text(json.dumps(content))
    return dict(type='MP100Dataset', data_root=str(folder), ann_file='face.json', data_prefix=dict(img=''))


@pytest.mark.parametrize('number', [1, 18, 40])
def test_own_faces_of_68_points(tmp_path, number):
    """They have their own texts, whatever their id is in MP-100, where two categories are called face."""
    entry = f'id: {number}, slug: face, name: face, supercategory: own, num_keypoints: 68, split: 1, layout: own'
    (tmp_path / 'texts').mkdir()
    (tmp_path / 'texts/mp100.yml').write_text(f'- {{{entry}}}\n')
    lines = [f'- spot {k} here: The spot {k} is a spot.\n' for k in range(68)]
    (tmp_path / 'texts/own.yml').write_text('keypoints:\n' + ''.join(lines))
    pipeline = [*TRAIN[:2], TRAIN[4], dict(type='GetTextQueries', text='descriptions'), dict(type='PackTextQueries')]
    dataset = DATASETS.build(dict(write_face(tmp_path, number), texts=str(tmp_path / 'texts'), pipeline=pipeline))
    assert dataset.get_data_info(0)['category'] == 'face'
    queries = TextQueries.of_sample(dataset[0]['data_samples'])
    assert len(queries.texts) == 68 and queries.texts[67] == 'spot 67 here: The spot 67 is a spot.'
    np.testing.assert_array_equal(dataset.get_data_info(0)['keypoints'][0, 67], [5 + 7, 5 + 2])


@pytest.mark.parametrize(
    'number, count, message',
    [
        (1, 68, r"category 1 \(face\) would get the texts of 'skirt' in .*; give the folder written for these"),
        (18, 68, r'category 18 \(face\) has 68 keypoints in the annotations and 19 in the texts'),
        (101, 68, r'category 101 \(face\) has no texts in .*; write them, or give another folder as texts='),
        (40, 68, None),  # a file of MP-100's faces alone
    ],
)
def test_own_faces_with_the_texts_of_the_package(tmp_path, number, count, message):
    config = write_face(tmp_path, number, count)
    if message is None:
        assert DATASETS.build(config).get_data_info(0)['category'] == 'face_68_points'
        return
    with pytest.raises(ValueError, match=message):
        DATASETS.build(config)


def test_combined_with_a_stock_data_set(mp100, pose_data):
    """The pipeline of each member does everything except packing."""
    init_default_scope('mmpose')
    coco = dict(
        type='CocoDataset',
        data_root=str(pose_data / 'mmpose_coco'),
        ann_file='test_coco.json',
        data_prefix=dict(img=''),
        pipeline=TRAIN[:-1],
    )
    mp100 = dict(
        type='MP100Dataset',
        data_root=str(mp100),
        ann_file='ann.json',
        data_prefix=dict(img='images/'),
        texts=str(mp100 / 'texts'),
        pipeline=TRAIN[:-1],
    )
    combined = DATASETS.build(
        dict(
            type='CombinedDataset',
            metainfo=dict(from_file='configs/_base_/datasets/coco.py'),
            datasets=[mp100, coco],
            pipeline=TRAIN[-1:],
        )
    )
    shapes = [combined[i]['data_samples'].gt_fields.heatmaps.shape[0] for i in range(6)]
    assert shapes == [3, 3, 2, 2, 17, 17]


def test_real_annotations(shared_data, tmp_path):
    """The whole split in the benchmark's order; empty files replace its images."""
    ann_file = shared_data / 'mp100/annotations/mp100_split1_test.json'
    content = json.loads(ann_file.read_text())
    for image in content['images']:
        path = tmp_path / image['file_name']
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    dataset = DATASETS.build(
        dict(type='MP100Dataset', ann_file=str(ann_file), data_prefix=dict(img=str(tmp_path)), test_mode=True)
    )
    assert len(dataset) == 2000
    kept = read_instances(ann_file).instances
    for i in (0, 17, 1977, 1999):
        info = dataset.get_data_info(i)
        assert info['id'] == kept[i].id
        assert max(info['bbox'][0, 2:] - info['bbox'][0, :2]) == pytest.approx(kept[i].normalizer, rel=1e-5)
        assert len(info['keypoint_names']) == info['keypoints'].shape[1] == len(kept[i].visible)


def test_some_categories_and_few_images(mp100):
    """Annotations 10 and 11 are mugs, on one image or two; 12 and 13 are pens."""

    def ids(**kwargs):
        dataset = build(mp100, **kwargs)
        return [dataset.get_data_info(i)['id'] for i in range(len(dataset))]

    assert ids(categories=['pen']) == ids(without=['mug']) == [12, 13]
    assert list(build(mp100, categories=['pen']).category_fields) == [build(mp100).get_data_info(2)['category_id']]
    with pytest.raises(ValueError, match=r"has no categories \['cup'\]; it has"):
        ids(categories=['cup'])
    with pytest.raises(ValueError, match='leaves no category'):
        ids(categories=['pen'], without=['pen'])
    with pytest.raises(ValueError, match='num_images=0'):
        ids(num_images=0)


def test_drawn_images_are_nested():
    """20 images of two instances each, of two categories; a smaller draw of a seed is a part of a larger one."""
    instances = [
        Instance(i, i, i // 2, 1 + i // 40, np.zeros((1, 2)), np.ones(1, bool), [0, 0, 9, 9], 9, 81) for i in range(80)
    ]
    few, more, other = (few_images(instances, n, seed) for n, seed in ((3, 0), (8, 0), (3, 1)))
    assert [len(few), len(more)] == [12, 32]  # of each category, with all instances of an image
    assert {i.id for i in few} < {i.id for i in more} and {i.id for i in few} != {i.id for i in other}
    assert len(few_images(instances, 99, 0)) == 80
