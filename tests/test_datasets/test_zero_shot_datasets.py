"""Zero-shot data sets, each in its published layout, small."""

import json
import pickle
import zlib

import numpy as np
import pytest
from zero_shot_files import labels, logged, samples, shared, texts, write

from clamp_mmpose.datasets.zero_shot import (
    CUBDataset,
    EmoticDataset,
    FERPlusDataset,
    LagendaDataset,
    Stanford40Dataset,
    UTKFaceDataset,
    ZeroShotDataset,
)
from clamp_mmpose.datasets.zero_shot.fer_plus import majority


def stanford40(root, **kwargs):
    return Stanford40Dataset(data_root=str(root), pipeline=[], **kwargs)


def test_stanford40(tmp_path):
    write(
        tmp_path,
        ImageSplits__test=['applauding_001.jpg', 'writing_on_a_book_301.jpg', 'throwing_frisby_012.jpg'],
        ImageSplits__train=['watching_TV_007.jpg'],
    )
    dataset = stanford40(tmp_path)
    assert labels(dataset) == [[0], [39], [32]] and shared(dataset) == ('Stanford40', 'Activity', 3, 'micro', 40)
    assert dataset.get_data_info(1)['img_path'] == str(tmp_path / 'JPEGImages/writing_on_a_book_301.jpg')
    assert texts(dataset)[32] == 'a photo of a person throwing frisby'
    train = stanford40(tmp_path, split='train', templates='ensemble')
    assert labels(train) == [[36]] and 'bbox' not in train.get_data_info(0)
    assert train.get_data_info(0)['class_texts'][36][:2] == [
        'a photo of a person watching TV',
        'a photo of someone watching TV',
    ]
    assert list(dataset.classes) == sorted(dataset.classes, key=str.lower)
    assert len(pickle.loads(pickle.dumps(dataset))) == 3

    actions = ['action_name number_of_images', *(f'{name}\t100' for name in dataset.classes)]
    write(tmp_path, ImageSplits__actions=[actions[0], *reversed(actions[1:])])
    assert labels(stanford40(tmp_path)) == [[0], [39], [32]]
    write(tmp_path, ImageSplits__actions=[*actions[:-1], 'sleeping\t100'])
    with pytest.raises(ValueError, match=r"actions.txt lacks \['writing_on_a_book'\] and has \['sleeping'\]"):
        stanford40(tmp_path)


@pytest.mark.parametrize('line', ['sleeping_001.jpg', 'reading.jpg', 'reading_1.png', 'reading_1.jpg reading_2.jpg'])
def test_stanford40_malformed_line(tmp_path, line):
    write(tmp_path, ImageSplits__test=['reading_001.jpg', line])
    with pytest.raises(ValueError, match=r'test.txt, line 2: '):
        stanford40(tmp_path)


@pytest.mark.parametrize(
    'dataset, number, first, last, checksum',
    [
        (Stanford40Dataset(lazy_init=True), 40, 'applauding', 'writing_on_a_book', 2941617806),
        (EmoticDataset('emotion', lazy_init=True), 26, 'Affection', 'Yearning', 2294358686),
        (EmoticDataset('age', lazy_init=True), 3, 'kid', 'adult', zlib.crc32(b'kid,teenager,adult')),
        (
            FERPlusDataset(lazy_init=True),
            8,
            'neutral',
            'contempt',
            zlib.crc32(b'neutral,happiness,surprise,sadness,anger,disgust,fear,contempt'),
        ),
        (UTKFaceDataset(lazy_init=True), 5, 'baby', 'adult', zlib.crc32(b'baby,child,teenager,young adult,adult')),
    ],
)
def test_classes(dataset, number, first, last, checksum):
    """Against the published lists, in their order."""
    assert (len(dataset.classes), dataset.classes[0], dataset.classes[-1]) == (number, first, last)
    assert zlib.crc32(','.join(dataset.classes).encode()) == checksum
    assert len(dataset.words or dataset.classes) == number and 2 <= len(dataset.ensemble) <= 4


LAGENDA = [
    'img_name,age,gender,face_x0,face_y0,face_x1,face_y1,person_x0,person_y0,person_x1,person_y1',
    'lag/a.jpg,12,M,1,2,3,4,5,6,70,80',
    'lag/a.jpg,13,F,11,12,13,14,-1,-1,-1,-1',
    'lag/b.jpg,19,M,-1,-1,-1,-1,0,0,7,8',
    'lag/b.jpg,20,,21,22,23,24,25,26,27,28',
    'lag/c.jpg,-1,-1,1,2,3,4,5,6,7,8',
    'lag/c.jpg,,-1,1,2,3,4,5,6,7,8',
    'lag/c.jpg,0,F,31,32,33,34,1,2,3,4',
]


def test_lagenda(tmp_path, monkeypatch):
    write(tmp_path, lagenda_annotation=LAGENDA)
    found = logged(monkeypatch, 'lagenda')
    body = LagendaDataset('body', data_root=str(tmp_path), pipeline=[])
    assert found == ['LAGENDA-Body: left out 3 rows without an age or the box of a body.']
    assert shared(body) == ('LAGENDA-Body', 'Age', 1, 'micro', 3)
    assert labels(body) == [[0], [1], [2], [0]], '12 is a kid, 19 a teenager, 20 an adult'
    assert [sample['bbox'].tolist() for sample in samples(body)] == [
        [[5, 6, 70, 80]],
        [[0, 0, 7, 8]],
        [[25, 26, 27, 28]],
        [[1, 2, 3, 4]],
    ]
    assert body.get_data_info(1)['img_path'] == str(tmp_path / 'lag/b.jpg')
    assert texts(body) == ['a photo of a kid person', 'a photo of a teenager person', 'a photo of an adult person']
    face = LagendaDataset('face', data_root=str(tmp_path), pipeline=[], templates='ensemble')
    assert shared(face)[0] == 'LAGENDA-Face' and labels(face) == [[0], [1], [2], [0]], '13 is a teenager'
    assert [sample['bbox'][0, 0] for sample in samples(face)] == [1, 11, 21, 31]
    assert 'a photo of an adult' in face.get_data_info(0)['class_texts'][2]


def test_lagenda_with_another_folder_of_images(tmp_path):
    write(tmp_path, lagenda_annotation=LAGENDA)
    for name in ('lag', 'images'):
        (tmp_path / name).mkdir()
    (tmp_path / 'lag/a.jpg').touch()
    body = LagendaDataset('body', data_root=str(tmp_path), pipeline=[])
    assert body.get_data_info(1)['img_path'] == str(tmp_path / 'lag/b.jpg')


def test_lagenda_as_focusclip_arranges_it(tmp_path):
    write(tmp_path, annotations=LAGENDA)
    (tmp_path / 'images').mkdir()
    (tmp_path / 'images/a.jpg').touch()
    dataset = LagendaDataset('face', data_root=str(tmp_path), ann_file='annotations.csv', pipeline=[])
    assert dataset.get_data_info(2)['img_path'] == str(tmp_path / 'images/b.jpg')


@pytest.mark.parametrize(
    'lines, message',
    [
        ([LAGENDA[0], 'a.jpg,old,M,1,2,3,4,5,6,7,8'], "annotation.csv, line 2: expected numbers .*'old'"),
        ([LAGENDA[0], 'a.jpg,30,M,1,2,3,4,5,6,x,8'], "line 2: expected numbers in .*person_x1.*'x'"),
        ([LAGENDA[0], LAGENDA[1], 'a.jpg,30,M,1,2'], r"line 3: expected the columns .* got \['a.jpg', '30', 'M'"),
        (['img_name,age', 'a.jpg,3'], r"lacks \['person_x0', "),
        (LAGENDA[:1], 'no images'),
    ],
)
def test_lagenda_malformed(tmp_path, lines, message):
    write(tmp_path, lagenda_annotation=lines)
    with pytest.raises(ValueError, match=message):
        LagendaDataset('body', data_root=str(tmp_path))


@pytest.mark.parametrize('folder', ['UTKFace', '.'])
def test_utkface(tmp_path, monkeypatch, folder):
    (tmp_path / folder).mkdir(exist_ok=True)
    ages = [2, 3, 9, 10, 19, 20, 29, 30, 116]
    for age in ages:
        (tmp_path / folder / f'{age}_0_1_20170109150557335.jpg.chip.jpg').touch()
    for name in ('0_1_3_1.jpg', '61_1_20170109142408075.jpg.chip.jpg', '_1_2.jpg', 'b_1.jpg', 'notes.txt', '5_1_2.txt'):
        (tmp_path / folder / name).touch()
    found = logged(monkeypatch, 'utkface')
    dataset = UTKFaceDataset(data_root=str(tmp_path), pipeline=[])
    groups = {sample['img_path'].split('/')[-1].split('_')[0]: sample['labels'] for sample in samples(dataset)}
    assert groups == {
        '0': [0],
        '2': [0],
        '3': [1],
        '9': [1],
        '10': [2],
        '19': [2],
        '20': [3],
        '29': [3],
        '30': [4],
        '61': [4],
        '116': [4],
    }
    paths = [sample['img_path'] for sample in samples(dataset)]
    assert paths == sorted(paths) and paths[0] == str(tmp_path / folder / '0_1_3_1.jpg')
    assert len(found) == 1 and 'left out 4 files' in found[0]
    assert shared(dataset) == ('UTKFace', 'Age', 1, 'micro', 5)
    assert texts(dataset)[3:] == ['a photo of a young adult person', 'a photo of an adult person']


VOTES = 'Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF'
FER = [
    VOTES,
    'Training,a.png,0,10,0,0,0,0,0,0,0,0',
    'PublicTest,b.png,0,0,0,0,0,0,0,8,1,1',
    'PrivateTest,c.png,1,0,0,0,7,0,2,0,0,0',
    'PrivateTest,,0,0,0,0,0,0,0,0,0,10',
    'PrivateTest,d.png,5,0,0,5,0,0,0,0,0,0',
    'PrivateTest,e.png,1,1,0,1,0,0,0,0,7,0',
    'PrivateTest,f.png,0,0,0,0,0,0,6,0,4,0',
]
SPLIT = {'Training': 0, 'PublicTest': 1, 'PrivateTest': 2}


def pixels(number):
    return ' '.join(str((number + i) % 256) for i in range(48 * 48))


def fer2013(usages):
    return ['emotion,pixels,Usage', *(f'0,{pixels(100 * i)},{usage}' for i, usage in enumerate(usages))]


@pytest.mark.parametrize(
    'votes, winner',
    [
        ([6, 0, 1, 1, 0, 0, 0, 0, 2, 0], 0),
        ([4, 0, 0, 1, 3, 2, 0, 0, 0, 0], None),
        ([5, 0, 0, 5, 0, 0, 0, 0, 0, 0], None),
        ([5, 0, 0, 1, 0, 0, 0, 4, 0, 0], 0),
        ([4, 0, 0, 2, 0, 1, 0, 1, 2, 0], None),
        ([0] * 9 + [10], 9),
        ([1] * 10, None),
        ([2, 1, 1, 1, 1, 1, 1, 1, 1, 0], 0),
    ],
)
def test_majority(votes, winner):
    """As 6 of 8, 4 of 9, 5 of 10, 5 of 9, 4 of 8, 10 of 10, 0 of 0 and 2 of 2, without single votes."""
    assert majority(votes) == winner


def test_fer_plus(tmp_path, monkeypatch):
    found = logged(monkeypatch, 'fer_plus')
    write(tmp_path, fer2013new=FER, fer2013=fer2013(row.split(',')[0] for row in FER[1:]))
    dataset = FERPlusDataset(data_root=str(tmp_path), pipeline=[])
    assert labels(dataset) == [[4], [6]] and shared(dataset) == ('FER+', 'Emotion', 3, 'micro', 8)
    assert len(found) == 1 and 'left out 3 images' in found[0]
    assert found[0].endswith('NF 1, undecided 1, unknown 1.')
    image = dataset.get_data_info(1)['img']
    assert image.shape == (48, 48, 3) and image.dtype == np.uint8 and 'gray' not in dataset.get_data_info(1)
    assert image[0, :2].tolist() == [[600 % 256] * 3, [601 % 256] * 3] and image[1, 0, 2] == 648 % 256
    assert len(dataset.data_bytes) / 2 < 48 * 48 + 500, 'one channel is stored'
    assert texts(dataset)[4:] == [
        'a photo of an angry looking face',
        'a photo of a disgusted looking face',
        'a photo of an afraid looking face',
        'a photo of a contemptuous looking face',
    ]
    assert labels(FERPlusDataset(data_root=str(tmp_path), split='val', pipeline=[])) == [[7]]
    train = FERPlusDataset(data_root=str(tmp_path), split='train', pipeline=[])
    assert labels(train) == [[1]] and train.get_data_info(0)['img'][0, 5, 0] == 5


def test_fer_plus_images(tmp_path):
    write(tmp_path, fer2013new=FER)
    with pytest.raises(FileNotFoundError, match=r'fer2013\.csv'):
        FERPlusDataset(data_root=str(tmp_path))
    (tmp_path / 'FER2013Test').mkdir()
    info = FERPlusDataset(data_root=str(tmp_path), pipeline=[]).get_data_info(1)
    assert info['img_path'] == str(tmp_path / 'FER2013Test/f.png') and info['labels'] == [6] and 'img' not in info


@pytest.mark.parametrize(
    'votes, rows, message',
    [
        (
            [VOTES, 'Test,c.png,0,0,0,0,7,0,0,0,0,0'],
            [],
            "fer2013new.csv, line 2: Usage='Test', expected one of 'Training'",
        ),
        ([VOTES, 'PrivateTest,c.png,x,0,0,0,7,0,0,0,0,0'], [], 'fer2013new.csv, line 2: expected numbers of votes'),
        (
            FER[:1] + FER[3:4],
            fer2013(['Training']),
            'fer2013.csv, line 2: .Training., where fer2013new.csv has .PrivateT',
        ),
        (FER[:1] + FER[3:4], fer2013(['PrivateTest'] * 2), 'has 2 rows, fer2013new.csv 1'),
        (FER[:1] + FER[3:5], fer2013(['PrivateTest']), 'has 1 rows, fer2013new.csv 2'),
        (FER[:1] + FER[3:4], ['emotion,pixels,Usage', '0,1 2 3,PrivateTest'], 'line 2: expected 48 x 48 numbers'),
        (FER[:1] + FER[3:4], ['emotion,pixels,Usage', f'0,256{pixels(0)[1:]},PrivateTest'], 'numbers of 0 to 255'),
    ],
)
def test_fer_plus_malformed(tmp_path, votes, rows, message):
    write(tmp_path, fer2013new=votes, fer2013=rows or fer2013(['PrivateTest']))
    with pytest.raises(ValueError, match=message):
        FERPlusDataset(data_root=str(tmp_path))


BIRDS = [f'{i:03}.Bird_of_{i}' for i in range(1, 53)] + ['053.Acadian_Flycatcher']
UNSEEN = [BIRDS[52], *BIRDS[1:50]]


def cub(root, **files):
    contents = dict(
        dict(
            classes=[f'{i} {name}' for i, name in enumerate(BIRDS, 1)],
            testclasses=UNSEEN,
            images=['1 001.Bird_of_1/a.jpg', '2 053.Acadian_Flycatcher/b.jpg', '3 002.Bird_of_2/c.jpg'],
            image_class_labels=['3 2', '1 1', '2 53'],
        ),
        **files,
    )
    write(root, **contents)
    return dict(data_root=str(root), pipeline=[])


def test_cub(tmp_path):
    dataset = CUBDataset(**cub(tmp_path))
    assert shared(dataset) == ('CUB', 'Bird', 1, 'macro', 50) and labels(dataset) == [[49], [0]]
    assert [s['img_path'] for s in samples(dataset)] == [
        str(tmp_path / 'images/053.Acadian_Flycatcher/b.jpg'),
        str(tmp_path / 'images/002.Bird_of_2/c.jpg'),
    ]
    assert texts(dataset)[0] == 'a photo of a Bird of 2, a type of bird'
    assert texts(dataset)[49] == 'a photo of an Acadian Flycatcher, a type of bird'
    seen = CUBDataset('seen', split_file=str(tmp_path / 'testclasses.txt'), **cub(tmp_path))
    assert labels(seen) == [[0]] and list(seen.classes) == [BIRDS[0], *BIRDS[50:52]]
    (tmp_path / 'testclasses.txt').unlink()
    everything = CUBDataset('all', data_root=str(tmp_path), pipeline=[])
    assert labels(everything) == [[0], [52], [1]] and len(everything.classes) == 53
    with pytest.raises(FileNotFoundError, match=r'testclasses\.txt'):
        CUBDataset('seen', data_root=str(tmp_path))


@pytest.mark.parametrize(
    'files, message',
    [
        (dict(testclasses=UNSEEN[:49]), r'testclasses.txt holds 49 classes, unknown: \[\]; expected 50'),
        (dict(testclasses=[*UNSEEN[:49], '200.Dodo']), r"50 classes, unknown: \['200.Dodo'\]"),
        (dict(image_class_labels=['1 1', '2 53']), 'images.txt, line 3: image 3 has no class'),
        (dict(image_class_labels=['1 1', '2 53', '3 54']), 'images.txt, line 3: image 3 has no class'),
        (dict(images=['1 001.Bird_of_1/a.jpg', '2']), "images.txt, line 2: expected 2 words, got '2'"),
    ],
)
def test_cub_malformed(tmp_path, files, message):
    arguments = cub(tmp_path, **files)
    with pytest.raises(ValueError, match=message):
        CUBDataset(**arguments)


@pytest.mark.parametrize(
    'dataset, arguments, expected',
    [
        (Stanford40Dataset, {}, 'ImageSplits/test.txt'),
        (EmoticDataset, dict(task='age'), 'Annotations/Annotations.mat'),
        (EmoticDataset, dict(task='age', ann_file='my.mat'), 'my.mat'),
        (LagendaDataset, dict(crop='face'), 'lagenda_annotation.csv'),
        (FERPlusDataset, {}, 'fer2013new.csv'),
        (LagendaDataset, dict(crop='face', ann_file='annotations.csv'), 'annotations.csv'),
        (CUBDataset, {}, 'classes.txt'),
        (UTKFaceDataset, {}, 'nowhere'),
    ],
)
def test_missing_files(tmp_path, dataset, arguments, expected):
    with pytest.raises(
        FileNotFoundError,
        match=rf'{dataset.__name__}: .*nowhere.*{expected} does not exist'
        if expected != 'nowhere'
        else 'UTKFaceDataset: .*nowhere does not exist',
    ):
        dataset(data_root=str(tmp_path / 'nowhere'), **arguments)


@pytest.mark.parametrize(
    'dataset, arguments, message',
    [
        (Stanford40Dataset, dict(split='val'), "split='val', expected one of 'train', 'test'"),
        (EmoticDataset, dict(task='gender'), "task='gender', expected one of 'age', 'emotion'"),
        (EmoticDataset, dict(task='age', split='all'), "split='all', expected one of 'train', 'val', 'test'"),
        (LagendaDataset, dict(crop='person'), "crop='person', expected one of 'body', 'face'"),
        (FERPlusDataset, dict(split='PrivateTest'), "split='PrivateTest', expected one of 'train', 'val', 'test'"),
        (CUBDataset, dict(classes='new'), "classes='new', expected one of 'unseen', 'seen', 'all'"),
    ],
)
def test_wrong_arguments(dataset, arguments, message):
    with pytest.raises(ValueError, match=message):
        dataset(**arguments)


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(labels=[1.7]), r'labels \[1\.7\] .* not a list of integers'),
        (dict(labels=['1']), 'not a list of integers'),
        (dict(labels='1'), 'not a list of integers'),
        (dict(labels=[True]), 'not a list of integers'),
        (dict(labels=[3]), 'expected one or more of 0 to 2'),
        (dict(bbox=['0', '0', '9', '9']), 'not a list of numbers'),
        (dict(bbox=[0, 0, True, 9]), 'not a list of numbers'),
        (dict(bbox=[0, 0, 9]), 'each image needs file_name'),
        (dict(classes='abc'), "classes must be a list of texts, got 'abc'"),
        (dict(classes=[1, 2, 3]), 'classes must be a list of texts'),
        (dict(words='abc'), 'words must be a list of texts'),
        (dict(words=None), 'words must be a list of texts'),
        (dict(templates='a {}'), 'templates must be a list of texts'),
        (dict(top_k=1.5), r'top_k must be an integer and task a text, got 1\.5'),
        (dict(top_k=True), 'top_k must be an integer'),
        (dict(task=['a']), 'task a text'),
    ],
)
def test_our_own_files_with_values_of_other_types(tmp_path, change, message):
    image = dict(file_name='a.png', labels=[1], bbox=[0, 0, 9.5, 9])
    content = dict(task='Activity', top_k=1, classes=['sit', 'run', 'eat'], templates=['a {}'], images=[image])
    for key, value in change.items():
        (image if key in image else content)[key] = value
    (tmp_path / 'a.json').write_text(json.dumps(content))
    with pytest.raises(ValueError, match=message):
        ZeroShotDataset(str(tmp_path / 'a.json'), pipeline=[])
