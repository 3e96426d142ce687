"""Images with descriptions, of MPII and of other data sets."""

import json

import cv2
import numpy as np
import pytest
from mmengine.dataset import pseudo_collate
from mmpose.registry import DATASETS, TRANSFORMS

from clamp_mmpose.datasets.descriptions.entries import descriptions_of, read_entries
from clamp_mmpose.datasets.focus.body_parts import body_parts
from clamp_mmpose.datasets.transforms.sample_description import split_sentences

PIPELINE = [
    dict(type='LoadIntactImage'),
    dict(type='SampleDescription'),
    dict(type='ResizeToInput', input_size=(64, 64)),
    dict(type='GenerateFocusHeatmap'),
    dict(type='PackFocusInputs'),
]


def person(image, x, description=None):
    joints = [[x + 2.0 * k, 20.0 + 3 * k] for k in range(16)]
    return dict(
        image=image,
        joints=joints,
        joints_vis=[1] * 15 + [0],
        center=[x + 15.0, 45.0],
        scale=0.4,
        **({} if description is None else dict(description=description)),
    )


@pytest.fixture
def folder(tmp_path):
    (tmp_path / 'images').mkdir()
    for name in ('001.jpg', '002.jpg', '003.jpg'):
        cv2.imwrite(str(tmp_path / 'images' / name), np.full((90, 120, 3), 99, np.uint8))
    write(
        tmp_path / 'train.json',
        [
            person('001.jpg', 10, 'One jumps.'),
            person('002.jpg', 10, ['Two sit.', 'They rest.']),
            person('001.jpg', 60),
            person('002.jpg', 70, 'Two sit.'),
            person('003.jpg', 30, 'One runs.'),
        ],
    )
    return tmp_path


def write(path, content):
    path.write_text(json.dumps(content))
    return str(path)


def build(folder, pipeline=(), **kwargs):
    return DATASETS.build(
        dict(
            dict(
                type='MPIIDescriptionsDataset',
                data_root=str(folder),
                ann_file='train.json',
                data_prefix=dict(img='images/'),
                pipeline=list(pipeline),
            ),
            **kwargs,
        )
    )


def test_image_has_all_its_people(folder):
    dataset = build(folder)
    assert len(dataset) == 3
    first = dataset.get_data_info(0)
    assert first['keypoints'].shape == (2, 16, 2) and first['keypoints_visible'].sum() == 30
    # the entries of one image need not be adjacent
    assert first['keypoints'][:, 0].tolist() == [[10, 20], [60, 20]]
    assert [dataset.get_data_info(i)['descriptions'] for i in range(3)] == [
        ['One jumps.'],
        ['Two sit.', 'They rest.'],
        ['One runs.'],
    ]
    # MPII counts from 1, and MMPose moves the center down by 15 of 200
    center = first['bbox'].reshape(2, 2, 2).mean(axis=1)
    np.testing.assert_allclose(center, [[24, 45 + 0.4 * 15 - 1], [74, 50]])


def test_through_the_pipeline(folder):
    packed = build(folder, PIPELINE)[1]
    sample = packed['data_samples']
    assert packed['inputs'].shape == (3, 64, 64) and sample.text in ('Two sit.', 'They rest.')
    heatmap = sample.gt_focus.heatmap[0]
    assert heatmap.shape == (64, 64) and heatmap.max() > 0.9
    # one person at x = 10 to 40, one at 70 to 100 of 120
    assert heatmap[35, 11] > 0.5 and heatmap[35, 45] > 0.5


def test_real_annotations(shared_data, tmp_path):
    root = shared_data / 'mmpose_mpii'
    entries = json.loads((root / 'test_mpii.json').read_text())
    described = write(tmp_path / 'model.json', [dict(image=entry['image'], description='One.') for entry in entries])
    dataset = build(root, PIPELINE, ann_file='test_mpii.json', data_prefix=dict(img=''), description_files=[described])
    assert len(dataset) == 5
    for i in range(5):
        sample, info = dataset[i]['data_samples'], dataset.get_data_info(i)
        expected = gaussians_of_parts(info['keypoints'][0], info['keypoints_visible'][0] > 0, sample.ori_shape)
        # squashing the image to 64 x 64 keeps the mean of the map up to what lies between the sampled pixels
        assert float(sample.gt_focus.heatmap.mean()) == pytest.approx(expected.mean(), rel=0.02)


def gaussians_of_parts(keypoints, visible, shape):
    """FocusCLIP's eq. 3 for one person, pixel by pixel: half the extent of a part is its sigma."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    total = np.zeros(shape[:2])
    for part in body_parts('mpii'):
        points = keypoints[part & visible].astype(int)
        if len(points) >= 2:
            (x, y), (sigma_x, sigma_y) = (points.max(0) + points.min(0)) // 2, (points.max(0) - points.min(0)) // 2
            total += np.exp(-(((columns - x) / sigma_x) ** 2 + ((rows - y) / sigma_y) ** 2) / 2)
    return np.minimum(total, 1)


def test_several_language_models(folder):
    other = write(
        folder / 'llama.json',
        [dict(image='001.jpg', description='Somebody is in the air.'), dict(image='003.jpg', description='One runs.')],
    )
    dataset = build(folder, description_files=[other])
    assert dataset.get_data_info(0)['descriptions'] == ['One jumps.', 'Somebody is in the air.']
    assert dataset.get_data_info(2)['descriptions'] == ['One runs.']


def test_every_description_is_chosen(folder):
    np.random.seed(0)
    dataset = build(folder, PIPELINE[:2])
    found = [dataset[1]['text'] for _ in range(100)]
    assert 30 < found.count('They rest.') < 70


@pytest.mark.parametrize('description', [None, '', '  ', []])
def test_missing_descriptions(folder, description, monkeypatch):
    logged = []
    monkeypatch.setattr('clamp_mmpose.datasets.descriptions.entries.print_log', lambda text, **_: logged.append(text))
    write(folder / 'train.json', [person('001.jpg', 10, 'One jumps.'), person('002.jpg', 10, description)])
    with pytest.raises(ValueError, match=r'1 of 2 images have no description, such as 002\.jpg.*"skip"'):
        build(folder)
    assert len(build(folder, missing_descriptions='skip')) == 1
    assert len(logged) == 1 and '1 of 2 images have no description, such as 002.jpg' in logged[0]
    with pytest.raises(ValueError, match="missing_descriptions='ignore'"):
        build(folder, missing_descriptions='ignore')
    write(folder / 'train.json', [person('002.jpg', 10, description)])
    with pytest.raises(ValueError, match='1 of 1 images have no description'):
        build(folder, missing_descriptions='skip')


@pytest.mark.parametrize(
    'content, message',
    [
        ({}, 'must be a list'),
        ([3], 'entry 0: expected'),
        ([dict(description='a')], 'entry 0: expected'),
        ([dict(image='001.jpg', description=[1])], 'entry 0: the description must be a text'),
        ([dict(image='001.jpg', description=['One.', 'Two \ud800.'])], 'entry 0: .* cannot be written as UTF-8'),
        ([dict(image='001.jpg', description='One.')], "not an MPII annotation file.*KeyError 'center'"),
    ],
)
def test_malformed_files(folder, content, message):
    write(folder / 'train.json', content)
    with pytest.raises(ValueError, match=message):
        build(folder)


def test_truncated_and_missing_files(folder):
    (folder / 'train.json').write_text('[{"image": ')
    with pytest.raises(ValueError, match=r'train\.json cannot be read as JSON'):
        build(folder)
    with pytest.raises(FileNotFoundError, match=r'no\.json not found'):
        build(folder, ann_file='no.json')


def test_missing_image(folder):
    (folder / 'images/002.jpg').unlink()
    with pytest.raises(FileNotFoundError, match=r'1 of 3 images do not exist, such as .*002\.jpg'):
        build(folder)


def test_nobody_visible(folder):
    entry = person('001.jpg', 10, 'Nobody.')
    entry['joints_vis'] = [0] * 16
    write(folder / 'train.json', [entry])
    assert not build(folder, PIPELINE)[0]['data_samples'].gt_focus.heatmap.any()


def test_descriptions_without_keypoints(folder):
    (folder / 'images' / 'albatross').mkdir()
    cv2.imwrite(str(folder / 'images/albatross/a 1.jpg'), np.full((40, 50, 3), 99, np.uint8))
    np.save(folder / '17.npy', np.eye(4))
    write(
        folder / 'cub.json',
        [
            dict(image='albatross/a 1.jpg', description='A photo of an albatross.', id=17),
            dict(image='001.jpg', description='A photo.'),
        ],
    )
    pipeline = list(PIPELINE)
    pipeline[3] = dict(type='GenerateFocusHeatmap', source='file', path=str(folder) + '/{img_id}.npy')
    dataset = build(folder, pipeline, type='DescriptionsDataset', ann_file='cub.json')
    assert dataset.get_data_info(1)['img_id'] == '001.jpg'
    sample = dataset[0]['data_samples']
    assert sample.img_id == 17 and sample.text == 'A photo of an albatross.'
    assert sample.gt_focus.heatmap[0, 0, 0] > 0.7 and sample.gt_focus.heatmap[0, 0, -1] == 0
    assert len(pseudo_collate([dataset[0], dataset[0]])['inputs']) == 2


def test_repeated_descriptions_count_once(folder):
    path = write(folder / 'a.json', [dict(image='1.jpg', description=['a', ' a ', 'b'])])
    assert descriptions_of([read_entries(path), read_entries(path)]) == {'1.jpg': ['a', 'b']}


@pytest.mark.parametrize(
    'text, sentences',
    [
        ('One jumps. Two sit! Who runs?', ['One jumps.', 'Two sit!', 'Who runs?']),
        ('  An arm is bent. "It" rests (or not). ', ['An arm is bent.', '"It" rests (or not).']),
        ('An arm is bent, e.g. at the elbow.', ['An arm is bent, e.g. at the elbow.']),
        ('At 1.5 of its length.\nThe head', ['At 1.5 of its length.', 'The head']),
        ('no end', ['no end']),
    ],
)
def test_sentences(text, sentences):
    assert split_sentences(text) == sentences


def test_one_sentence_at_a_time():
    np.random.seed(0)
    transform = TRANSFORMS.build(dict(type='SampleDescription', sentences=True))
    descriptions = ['One jumps. Two sit.', 'Nobody.']
    found = [transform(dict(descriptions=descriptions))['text'] for _ in range(200)]
    assert 70 < found.count('Nobody.') < 130 and 25 < found.count('Two sit.') < 75
    assert transform.choices(descriptions) == ['One jumps.', 'Two sit.', 'Nobody.']


def test_description_files_for_images_without_keypoints(folder):
    write(folder / 'a.json', [dict(image='001.jpg', description='One.'), dict(image='002.jpg')])
    other = write(folder / 'b.json', [dict(image='001.jpg', description='Two.')])
    kind = dict(type='DescriptionsDataset', ann_file='a.json')
    with pytest.raises(ValueError, match='1 of 2 images have no description'):
        build(folder, **kind)
    dataset = build(folder, **kind, description_files=[other], missing_descriptions='skip')
    assert [dataset.get_data_info(i)['descriptions'] for i in range(len(dataset))] == [['One.', 'Two.']]
    (folder / 'images/001.jpg').unlink()
    with pytest.raises(FileNotFoundError, match='1 of 1 images do not exist'):
        build(folder, **kind, missing_descriptions='skip')


def test_descriptions_in_lines(tmp_path):
    path = tmp_path / 'gpt-4.jsonl'
    path.write_text('{"image": "1.jpg", "description": "One jumps."}\n{"image": "2.jpg"}\n')
    assert [entry['descriptions'] for entry in read_entries(path)] == [['One jumps.'], []]
    path.write_text('{"image": "1.jpg"}\n{"images": "2.jpg"}\n')
    with pytest.raises(ValueError, match=r'gpt-4\.jsonl, entry 1: expected'):
        read_entries(path)
