"""EMOTIC in the nested structs of its MATLAB file."""

import numpy as np
import pytest
from scipy.io import loadmat, savemat
from zero_shot_files import labels, logged, samples, shared, texts

from clamp_mmpose.datasets.zero_shot import EmoticDataset


def structs(records):
    """A MATLAB struct array ``[1, N]``."""
    array = np.empty((1, len(records)), [(name, object) for name in records[0]])
    for i, record in enumerate(records):
        array[0, i] = tuple(record.values())
    return array


def cells(*strings):
    array = np.empty((1, len(strings)), object)
    array[0] = strings
    return array


def person(box, age, annotators, combined=None):
    continuous = structs([dict(valence=5.0, arousal=np.nan, dominance=7.0)] * max(1, len(annotators)))
    own = structs([dict(categories=cells(*names)) for names in annotators]) if annotators else np.zeros((0, 0))
    fields = dict(body_bbox=np.array([box], float), annotations_categories=own)
    if combined is not None:
        fields['combined_categories'] = cells(*combined)
    return dict(fields, annotations_continuous=continuous, gender='Male', age=age)


def image(name, folder, *persons):
    return dict(
        filename=name,
        folder=folder,
        image_size=structs([dict(n_col=640.0, n_row=480.0)]),
        original_database=structs([dict(name='mscoco')]),
        person=structs(persons),
    )


TRAIN = [image('t.jpg', 'ade20k/images', person([1, 2, 30, 40], 'Adult', [['Peace', 'Affection']]))]
TEST = [
    image(
        'a.jpg',
        'mscoco/images',
        person([1.5, 2, 30, 40], 'Kid', [['Fear'], ['Fear', 'Pain']], ['Doubt/Confusion', 'Fear']),
        person([5, 6, 70, 80], 'Teenager', [['Happiness']], ['Happiness']),
        person([0, 0, 9, 9], 'Adult', [], []),
    ),
    image('b.jpg', 'framesdb/images', person([-3, 0, 9, 9], 'Adult', [['Yearning'], ['Anger', 'Yearning']], [])),
]


def emotic(root, task='emotion', where='Annotations/Annotations.mat', test=TEST, **kwargs):
    (root / where).parent.mkdir(exist_ok=True)
    savemat(root / where, dict(train=structs(TRAIN), test=structs(test)))
    return EmoticDataset(task, data_root=str(root), pipeline=[], **kwargs)


def test_emotic_emotion(tmp_path, monkeypatch):
    found = logged(monkeypatch, 'emotic')
    dataset = emotic(tmp_path)
    raw = loadmat(tmp_path / 'Annotations/Annotations.mat')['test'][0]  # indexed as in readers of the real file
    assert raw[0][0][0] == 'a.jpg' and raw[0][1][0] == 'mscoco/images' and len(raw[0][4][0]) == 3
    assert raw[0][4][0][0][1][0][1][0][0][1][0] == 'Pain' and raw[0][4][0][0][2][0][0][0] == 'Doubt/Confusion'
    assert labels(dataset) == [[9, 15], [16], [1, 25]], 'combined, or the union of the annotators, in order'
    assert [sample['bbox'].tolist() for sample in samples(dataset)] == [
        [[1.5, 2, 30, 40]],
        [[5, 6, 70, 80]],
        [[-3, 0, 9, 9]],
    ]
    assert [sample['img_path'] for sample in samples(dataset)][1:] == [
        str(tmp_path / 'mscoco/images/a.jpg'),
        str(tmp_path / 'framesdb/images/b.jpg'),
    ]
    assert shared(dataset) == ('Emotic', 'Emotion', 3, 'micro', 26)
    assert texts(dataset)[9] == 'a photo of a person who is feeling doubt/confusion'
    assert len(found) == 1 and 'left out 1 persons of test without emotions' in found[0]
    (tmp_path / 'emotic').mkdir()
    train = emotic(tmp_path, split='train')
    assert labels(train) == [[0, 18]]
    assert train.get_data_info(0)['img_path'] == str(tmp_path / 'emotic/ade20k/images/t.jpg')


@pytest.mark.parametrize(
    'where, kwargs',
    [
        ('Annotations/CVPR17_Annotations.mat', {}),
        ('Annotations.mat', {}),
        ('CVPR17_Annotations.mat', {}),
        ('elsewhere/my.mat', dict(ann_file='elsewhere/my.mat')),
    ],
)
def test_emotic_age(tmp_path, monkeypatch, where, kwargs):
    dataset = emotic(tmp_path, 'age', where, **kwargs)
    assert labels(dataset) == [[0], [1], [2], [2]] and shared(dataset) == ('Emotic', 'Age', 1, 'micro', 3)
    assert texts(dataset)[2] == 'a photo of an adult person'
    monkeypatch.chdir(tmp_path)
    relative = dict(kwargs, data_root='.', pipeline=[])
    assert labels(EmoticDataset('age', **relative)) == labels(dataset)


@pytest.mark.parametrize(
    'task, wrong, message',
    [
        (
            'age',
            person([1, 2, 3, 4], 'Senior', []),
            r"Annotations.mat: test, image 2: .*unknown labels \['senior'\], expected some of kid, teen",
        ),
        (
            'emotion',
            person([1, 2, 3, 4], 'Kid', [['Joy']]),
            r"image 2: .*unknown labels \['Joy'\], expected some of Affection",
        ),
        ('age', person([1, 2, 3], 'Kid', []), r'image 2: .*body_bbox \[1.0, 2.0, 3.0\], expected'),
        ('age', dict(body_bbox=np.zeros((1, 4))), "image 2: KeyError 'age'"),
    ],
)
def test_emotic_malformed(tmp_path, task, wrong, message):
    with pytest.raises(ValueError, match=message):
        emotic(tmp_path, task, test=[TEST[1], image('c.jpg', 'mscoco/images', wrong)])


def test_emotic_file_that_cannot_be_read(tmp_path):
    with pytest.raises(ValueError, match='has no val; expected the annotations of EMOTIC'):
        emotic(tmp_path, split='val')
    (tmp_path / 'Annotations/Annotations.mat').write_bytes(b'not MATLAB' * 100)
    with pytest.raises(ValueError, match=r'Annotations.mat is not a MATLAB file'):
        EmoticDataset('age', data_root=str(tmp_path))


def test_newer_annotations_are_preferred_to_those_of_2017(tmp_path):
    expected = labels(emotic(tmp_path, task='emotion'))
    savemat(tmp_path / 'Annotations/CVPR17_Annotations.mat', dict(test=structs(TRAIN)))
    assert labels(EmoticDataset('emotion', data_root=str(tmp_path), pipeline=[])) == expected
    assert len(expected) > 1
