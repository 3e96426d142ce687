"""Zero-shot data sets with their pipeline: boxes, unreadable images, absent data sets."""

import json
import pickle

import cv2
import numpy as np
import pytest
from mmpose.registry import DATASETS

from clamp_mmpose.datasets.zero_shot.zero_shot_tasks import open_task
from clamp_mmpose.language.class_prompts import class_texts

PIPELINE = [
    dict(type='LoadIntactImage'),
    dict(type='ResizeToInput', input_size=(64, 32), crop_bbox=True),
    dict(type='PackZeroShotInputs'),
]


def content(**changes):
    return dict(
        dict(
            name='toys',
            task='Activity',
            top_k=2,
            classes=['sit', 'run', 'eat'],
            words=['sitting', 'running', 'eating'],
            templates=['a photo of a person {}'],
            images=[
                dict(file_name='0.png', labels=[1]),
                dict(file_name='0.png', labels=[0, 2], bbox=[100, 40, 120, 60]),
                dict(file_name='none.png', labels=[0]),
                dict(file_name='cut.png', labels=[2], bbox=[0, 0, 9, 9]),
            ],
        ),
        **changes,
    )


@pytest.fixture
def folder(tmp_path):
    image = np.zeros((80, 160, 3), np.uint8)
    image[40:60, 100:120] = (10, 20, 30)
    cv2.imwrite(str(tmp_path / '0.png'), image)
    (tmp_path / 'cut.png').write_bytes((tmp_path / '0.png').read_bytes()[:80])
    (tmp_path / 'toys.json').write_text(json.dumps(content()))
    return tmp_path


def build(folder, **kwargs):
    return DATASETS.build(
        dict(dict(type='ZeroShotDataset', data_root=str(folder), ann_file='toys.json', pipeline=PIPELINE), **kwargs)
    )


def test_samples(folder):
    dataset = build(folder)
    sample = dataset[0]['data_samples']
    assert sample.class_texts == [
        ['a photo of a person sitting'],
        ['a photo of a person running'],
        ['a photo of a person eating'],
    ]
    assert (sample.dataset_name, sample.task, sample.top_k, sample.average, sample.labels, sample.class_names) == (
        'toys',
        'Activity',
        2,
        'micro',
        [1],
        ['sit', 'run', 'eat'],
    )
    assert sample.get('fault') is None
    assert dataset[0]['inputs'].shape == (3, 32, 64)
    assert pickle.loads(pickle.dumps(dataset[0]))['data_samples'].labels == [1]  # as loader workers do


def test_box_is_cropped(folder):
    inputs = build(folder)[1]['inputs'].numpy()
    assert (inputs == np.array([10, 20, 30])[:, None, None]).all()


@pytest.mark.parametrize('index, reason', [(2, r'none\.png does not exist'), (3, r'cut\.png is truncated')])
def test_unreadable_images_are_reported(folder, index, reason):
    packed = build(folder)[index]
    assert not packed['inputs'].any() and packed['inputs'].shape == (3, 32, 64)
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(packed['data_samples'].fault)


def test_box_outside_its_image(folder):
    (folder / 'toys.json').write_text(
        json.dumps(content(images=[dict(file_name='0.png', labels=[1], bbox=[200, 10, 220, 20])]))
    )
    assert 'has no area inside its 160x80 pixels' in build(folder)[0]['data_samples'].fault


@pytest.mark.parametrize(
    'changes, message',
    [
        (dict(images=[dict(file_name='0.png', labels=[3])]), 'labels .3., expected one or more of 0 to 2'),
        (dict(images=[dict(file_name='0.png', labels=[-1])]), 'labels .-1., expected one or more of 0 to 2'),
        (dict(images=[dict(file_name='0.png', labels=[])]), 'labels .., expected one or more'),
        (dict(images=[]), 'no images'),
        (dict(templates=['a photo']), "needs one {}.*'a photo'"),
        (dict(words=['', 'a', 'b']), 'must not be empty'),
        (dict(words=['a', 'b']), '2 words for 3 classes'),
        (dict(images=[dict(labels=[0])]), "needs file_name.*KeyError 'file_name'"),
        (dict(images=[dict(file_name='0.png', labels=0)]), r'needs .*labels \[indices\].*TypeError'),
        (dict(images=[dict(file_name='0.png', labels=[0], bbox=[1, 2, 3])]), 'bbox .x1, y1, x2, y2.: ValueError'),
    ],
)
def test_malformed_files(folder, changes, message):
    (folder / 'toys.json').write_text(json.dumps(content(**changes)))
    with pytest.raises(ValueError, match=message):
        build(folder)


def test_incomplete_and_missing_files(folder):
    (folder / 'toys.json').write_text(json.dumps(dict(task='a', classes=[])))
    with pytest.raises(ValueError, match=r"lacks \['top_k', 'templates', 'images'\]"):
        build(folder)
    with pytest.raises(FileNotFoundError, match=r'no\.json not found'):
        build(folder, ann_file='no.json')


def test_custom_templates(folder):
    sample = build(folder, templates=['{} a lot', 'they are {}'])[0]['data_samples']
    assert sample.class_texts[1] == ['running a lot', 'they are running']
    with pytest.raises(ValueError, match="templates='many'"):
        build(folder, templates='many')


def test_ensemble_holds_the_papers_template_and_others(folder):
    (folder / 'UTKFace').mkdir()
    (folder / 'UTKFace/1_0_0_2.jpg').write_bytes(b'')
    dataset = DATASETS.build(dict(type='UTKFaceDataset', data_root=str(folder), templates='ensemble', pipeline=[]))
    texts = dataset.get_data_info(0)['class_texts'][4]
    assert texts[0] == 'a photo of an adult person' and len(texts) > 2


@pytest.mark.parametrize(
    'word, text',
    [
        ('angry', 'an angry face'),
        ('happy', 'a happy face'),
        ('European Goldfinch', 'a European Goldfinch face'),
        ('Indigo Bunting', 'an Indigo Bunting face'),
        ('one-eyed', 'a one-eyed face'),
        ('uniform', 'a uniform face'),
        ('unsure', 'an unsure face'),
    ],
)
def test_articles(word, text):
    assert class_texts(['a/an {} face'], [word]) == [[text]]


def tasks(folder, **kwargs):
    toys = dict(type='ZeroShotDataset', ann_file='toys.json', data_root=str(folder))
    return DATASETS.build(
        dict(
            dict(
                type='ZeroShotTasks',
                pipeline=PIPELINE,
                tasks=dict(toys=toys, faces=dict(type='UTKFaceDataset', data_root=str(folder / 'no')), again=toys),
            ),
            **kwargs,
        )
    )


def test_absent_data_sets_are_reported(folder):
    together = tasks(folder)
    assert len(together) == 8
    assert together[4]['data_samples'].labels == [1]
    (row,) = together.metainfo['absent']
    assert (row['dataset'], row['task']) == ('UTKFace', 'Age') and 'does not exist' in row['reason']


def test_an_absent_task_keeps_its_name(tmp_path):
    _, absent = open_task('toys', dict(type='ZeroShotDataset', ann_file='no.json', data_root=str(tmp_path)), [])
    assert absent['task'] == 'toys'


def test_only_chosen_tasks(folder):
    assert len(tasks(folder, only=['again'])) == 4
    with pytest.raises(ValueError, match=r"unknown tasks \['age'\]: expected some of toys, faces, again"):
        tasks(folder, only=['age'])
    with pytest.raises(FileNotFoundError, match='none of the zero-shot data sets exists'):
        tasks(folder, only=['faces'])


def test_templates_of_all_tasks(folder):
    together = tasks(folder, only=['toys', 'again'], templates=['they are {}'])
    assert [together[i]['data_samples'].class_texts[1] for i in (0, 4)] == [['they are running']] * 2


def test_templates_of_a_single_task(folder):
    toys = dict(type='ZeroShotDataset', ann_file='toys.json', data_root=str(folder))
    together = tasks(folder, tasks=dict(toys=toys, own=dict(toys, templates=['they are {}'])))
    assert [together[i]['data_samples'].class_texts[1][0] for i in (0, 4)] == [
        'a photo of a person running',
        'they are running',
    ]


@pytest.mark.parametrize(
    'words, error',
    [
        (['cat', ' Cat '], "'cat' and 'Cat' read the same"),
        (['cat', 'dog\ud800'], 'UTF-8'),
        (['cat', 'dog\x07'], r'control character, U\+0007'),
        (['cat', ' '], 'must not be empty'),
    ],
)
def test_classes_are_clean_and_differ(words, error):
    with pytest.raises(ValueError, match=error):
        class_texts(['a photo of a/an {}'], words)
    assert class_texts(['a photo of a/an {}'], ['cat &amp; dog', 'old\tape']) == [
        ['a photo of a cat & dog'],
        ['a photo of an old ape'],
    ]
