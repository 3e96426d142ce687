"""Poses of records and of questions about them: which rotations reach the model, and in which order."""

import json
import re
from collections import Counter
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.dataset import ConcatDataset, worker_init_fn
from mmpose.registry import DATA_SAMPLERS, DATASETS
from PIL import Image
from scipy.spatial.transform import Rotation
from tiny_llava import tiny_llava_processor
from torch.utils.data import DataLoader

from clamp_mmpose.body.pose_entries import pose_entry, pose_fault, read_poses, to_matrices
from clamp_mmpose.body.smpl_joints import JOINT_NAMES
from clamp_mmpose.datasets import mixture_sampler
from clamp_mmpose.datasets.instructions import collate_conversations
from clamp_mmpose.datasets.poses import PoseRecords, PoseSample, write_pose_records
from clamp_mmpose.datasets.transforms import CropPerson, TokenizeConversation
from clamp_mmpose.engine.hooks import EpochSeedHook
from clamp_mmpose.language.pose_questions import read_pose_questions

TURN = {'from': 'human', 'value': 'Give the pose.'}
SUPPLEMENT = Path(__file__).parents[1] / 'data/chatpose_questions.txt'


def turns(seed):
    """[24, 3] axis-angle, angles below pi."""
    return (np.random.RandomState(seed).rand(24, 3) - 0.5).round(4)


def entry(seed, **others):
    return dict(axis_angle=turns(seed).tolist(), **others)


def matrices(seed):
    return Rotation.from_rotvec(turns(seed)).as_matrix()


@pytest.fixture(scope='module')
def processor(tmp_path_factory):
    folder = tmp_path_factory.mktemp('llava') / 'processor'
    tiny_llava_processor(folder)
    return str(folder)


@pytest.fixture(scope='module')
def tokenize(processor):
    return TokenizeConversation(processor, pose_token='<POSE>')


def sample(*answers, poses=(), masks=None, record_id='r'):
    conversation = [turn for answer in answers for turn in (TURN, {'from': 'gpt', 'value': answer})]
    found = dict(record_id=record_id, img_path=None, conversations=conversation)
    if len(poses):
        found['poses'] = np.array(poses, np.float32)
        found['pose_masks'] = np.ones((len(poses), 24), bool) if masks is None else masks
    return found


def test_entries():
    given, masks = read_poses([entry(1), entry(2, joints=['left_hip', 'Neck'])])
    assert given.dtype == np.float32 and masks[0].all()
    assert [JOINT_NAMES[i] for i in np.flatnonzero(masks[1])] == ['left hip', 'neck']
    assert np.abs(to_matrices(given) - np.stack([matrices(1), matrices(2)])).max() < 1e-6
    back = pose_entry(to_matrices(given[1]), masks[1])
    assert np.abs(np.array(back['axis_angle']) - turns(2)).max() < 2e-6 and back['joints'] == ['left hip', 'neck']
    assert 'joints' not in pose_entry(matrices(1))


@pytest.mark.parametrize(
    ('pose', 'kind', 'text'),
    [
        ([1, 2], 'structure', r'\[24 x \[x, y, z\]\].*got \[1, 2\]'),
        (dict(axis_angle=[[0, 0, 0]] * 23), 'structure', r'shape \[23, 3\]'),
        (dict(axis_angle=[[0, 0, 0]] * 23 + [[0, 0]]), 'structure', 'got'),
        (dict(axis_angle=[['0', '0', '0']] * 24), 'structure', 'got'),
        (dict(axis_angle=[[True] * 3] * 24), 'structure', 'got'),
        (dict(axis_angle=[[0, 0, 0]] * 23 + [[0, float('nan'), 0]]), 'finite', "'right hand' is not finite"),
        (dict(axis_angle=[[0, 0, 0]] * 24, joints=['left thumb']), 'joints', "'left thumb' is no joint of SMPL"),
        (dict(axis_angle=[[0, 0, 0]] * 24, joints=[]), 'joints', 'a list of names'),
    ],
)
def test_entries_that_are_no_poses(pose, kind, text):
    found = pose_fault(pose)
    assert found[0] == kind and re.search(text, found[1])
    with pytest.raises(ValueError, match='pose 1: '):
        read_poses([entry(0), pose])


def test_questions_of_the_paper():
    """Word by word as in the supplement's Tables 1 to 3."""
    published = read_pose_questions()
    lines = SUPPLEMENT.read_text().splitlines()
    tables = dict(image=[], answer=[], text=[])
    for line in lines:
        kind, _, text = line.partition('\t')
        tables[kind].append(text)
    assert [f'<image> {text}' for text in published.image_questions] == tables['image']
    assert published.text_questions == tables['text'] and published.answers == tables['answer']
    assert [len(found) for found in published] == [5, 9, 8]
    assert published.about_image(0) == '<image>\nCan you predict the SMPL pose of the person in this image?'
    assert published.about_text(2, ' She {sits}. ') == 'She {sits}. Give the SMPL pose.'


def test_other_questions(tmp_path):
    path = tmp_path / 'own.yml'
    good = 'image_questions: [Pose?]\ntext_questions: ["{description} Pose?"]\nanswers: [<POSE>]\n'
    path.write_text(good)
    assert read_pose_questions(path).about_text(0, 'Sits.') == 'Sits. Pose?'
    for wrong in (
        good.replace('<POSE>', 'Here.'),
        good.replace('{description} ', ''),
        good.replace('[Pose?]', '[]'),
        good.replace('[Pose?]', '[<image> Pose?]'),
        '[]',
    ):
        path.write_text(wrong)
        with pytest.raises(ValueError, match=r'own.yml'):
            read_pose_questions(path)


def test_rotations_of_the_tokens(tokenize):
    """Two poses of one answer and one of another, in their order, beside a sample without."""
    poses, masks = [matrices(i) for i in range(3)], np.random.RandomState(0).rand(3, 24) > 0.5
    rows = [
        tokenize(sample('First <POSE>, then <POSE>.', 'Now <POSE>.', poses=poses, masks=masks)),
        tokenize(sample('No pose.')),
        tokenize(sample('<POSE>', poses=poses[1:2])),
    ]
    batch = collate_conversations(rows)
    inputs, pose_id = batch['inputs'], tokenize.chat.pose_id
    assert (inputs['labels'] == pose_id).sum(1).tolist() == [3, 0, 1]
    assert inputs['poses'].shape == (4, 24, 3, 3) and inputs['poses'].dtype == torch.float32
    assert np.abs(inputs['poses'].numpy() - np.stack([*poses, poses[1]])).max() < 1e-6
    assert inputs['pose_masks'].dtype == torch.bool
    assert np.array_equal(inputs['pose_masks'].numpy(), [*masks, np.ones(24, bool)])
    assert np.array_equal(batch['data_samples'][0]['pose_masks'], masks)
    assert not {'poses', 'pose_masks'} & set(collate_conversations(rows[1:2])['inputs'])


def test_wrong_numbers_of_poses(tokenize, processor):
    for answers, number, text in (
        (['Two <POSE> <POSE>.'], 1, "record 'r': 1 poses for 2 <POSE>"),
        (['None.'], 2, "record 'r': 2 poses for 0 <POSE>"),
        (['<POSE>'], 0, "record 'r': 0 poses for 1 <POSE>"),
    ):
        with pytest.raises(ValueError, match=text):
            tokenize(sample(*answers, poses=[np.eye(3)[None].repeat(24, 0)] * number))
    # without a pose token, the poses are left to metrics
    found = TokenizeConversation(processor)(sample('It sits.', poses=[matrices(0)]))
    assert 'poses' not in found['inputs'] and len(found['data_samples']['poses']) == 1


def test_rounds_that_are_left_out_lose_their_poses(tokenize, processor):
    poses = [matrices(i) for i in range(3)]
    long = sample('First <POSE>.', 'Then <POSE> and <POSE>.', poses=poses)
    whole = len(tokenize(dict(long))['inputs']['input_ids'])
    cut = TokenizeConversation(processor, max_length=whole - 1, too_long='drop_rounds', pose_token='<POSE>')(long)
    assert np.abs(cut['inputs']['poses'].numpy() - poses[:1]).max() < 1e-6
    # as the first turn is left out, its pose is, too
    late = dict(
        long, conversations=[{'from': 'gpt', 'value': 'A <POSE>.'}, TURN, {'from': 'gpt', 'value': '<POSE> <POSE>'}]
    )
    assert np.abs(tokenize(late)['inputs']['poses'].numpy() - poses[1:]).max() < 1e-6


def test_records_with_poses(tmp_path, tokenize):
    record = dict(
        id='a', conversations=[TURN, {'from': 'gpt', 'value': 'It is <POSE>.'}], poses=[entry(4, joints=['neck'])]
    )
    plain = dict(id='b', conversations=[TURN, {'from': 'gpt', 'value': 'No.'}])
    (tmp_path / 'a.jsonl').write_text('\n'.join(map(json.dumps, (record, plain))))
    dataset = DATASETS.build(
        dict(type='InstructionDataset', ann_files='a.jsonl', data_root=str(tmp_path), serialize_data=False)
    )
    info = dataset.get_data_info(0)
    assert info['poses'].dtype == np.float32 and np.abs(info['poses'][0] - matrices(4)).max() < 1e-6
    assert info['pose_masks'].sum() == 1 and info['pose_masks'][0, JOINT_NAMES.index('neck')]
    assert 'poses' not in dataset.get_data_info(1)
    assert tokenize(info)['inputs']['poses'].shape == (1, 24, 3, 3)
    (tmp_path / 'a.jsonl').write_text(json.dumps(dict(record, poses=[dict(axis_angle=[])])))
    with pytest.raises(ValueError, match=r"a.jsonl, record 'a': pose 0: expected"):
        DATASETS.build(dict(type='InstructionDataset', ann_files='a.jsonl', data_root=str(tmp_path)))


@pytest.fixture
def records(tmp_path):
    """Six poses: two with texts, two with images, two with both; the file is written and read again."""
    (tmp_path / 'images').mkdir()
    Image.fromarray(np.arange(30 * 50 * 3, dtype=np.uint8).reshape(30, 50, 3)).save(tmp_path / 'images/a.png')
    samples = [
        PoseSample(
            record_id=f'p{i}',
            rotations=matrices(i).astype(np.float32),
            mask=np.arange(24) < 22,
            image=str(tmp_path / 'images/a.png') if i >= 2 else None,
            box=(5, 3, 25, 28) if i >= 2 else None,
            texts=[f'Text {i}.', f'Other {i}.'] if i < 2 or i >= 4 else (),
            betas=np.full(10, 0.5, np.float32) if i == 5 else None,
            gender='female' if i == 5 else '',
        )
        for i in range(6)
    ]
    assert write_pose_records(tmp_path / 'poses.jsonl', samples, str(tmp_path / 'images')) == 6
    return dict(type='PoseRecords', ann_files='poses.jsonl', data_root=str(tmp_path), images=str(tmp_path / 'images'))


def test_pose_records(records):
    found = list(DATASETS.build(records))
    assert [one.record_id for one in found] == [f'p{i}' for i in range(6)]
    for i, one in enumerate(found):
        assert np.abs(one.rotations - matrices(i)).max() < 3e-6 and one.mask.sum() == 22
    last = found[5]
    assert last.box == (5, 3, 25, 28) and last.gender == 'female' and last.betas.tolist() == [0.5] * 10
    assert Path(last.image).is_file() and list(last.texts) == ['Text 5.', 'Other 5.']
    assert found[0].image is None and found[2].texts == []


@pytest.mark.parametrize(
    ('fields', 'text'),
    [
        (dict(poses=[]), 'one pose'),
        (dict(poses=[entry(0), entry(1)]), 'one pose'),
        (dict(texts='Sits.'), 'a list of texts'),
        (dict(image=3), 'the name of a file'),
        (dict(box=[0, 0, 5]), 'four finite numbers'),
        (dict(box=[5, 0, 5, 3]), 'right > left'),
        (dict(gender=['male']), 'gender must be one of male'),
        (dict(betas=dict(a=1)), 'betas must be a list of numbers'),
        (dict(betas=[1, None]), 'betas must be a list of numbers'),
    ],
)
def test_records_that_are_none(tmp_path, fields, text):
    (tmp_path / 'a.json').write_text(json.dumps([dict(dict(poses=[entry(0)]), **fields)]))
    with pytest.raises(ValueError, match=f'a.json, entry 0: .*{text}'):
        list(PoseRecords('a.json', str(tmp_path)))


def test_a_question_is_drawn_at_each_visit(records):
    dataset = DATASETS.build(dict(type='PoseDataset', reader=records, task='text', serialize_data=False))
    assert len(dataset) == 4 and dataset.dropped == {'poses without text': 2}
    np.random.seed(0)
    visits = [dataset.get_data_info(0)['conversations'] for _ in range(200)]
    assert len({turn[1]['value'] for turn in visits}) == 8
    questions = Counter(turn[0]['value'] for turn in visits)
    assert len(questions) == 18 and all(('Text 0.' in text) ^ ('Other 0.' in text) for text in questions)
    np.random.seed(0)
    assert dataset.get_data_info(0)['conversations'] == visits[0]
    assert dataset.get_data_info(3)['img_path'] is None, 'it has an image, but the question is about a text'
    fixed = DATASETS.build(dict(type='PoseDataset', reader=records, task='text', test_mode=True, serialize_data=False))
    info = fixed.get_data_info(1)
    assert info['conversations'][0]['value'] == (
        "I have a word description of a person's pose, can you give the SMPL pose of this person? Text 1."
    )
    assert info['conversations'][1] == {'from': 'gpt', 'value': 'The SMPL pose is <POSE>.'}
    assert np.abs(info['poses'] - matrices(1)).max() < 3e-6 and info['pose_masks'].sum() == 22


def test_image_questions(records, tokenize):
    pipeline = [dict(type='CropPerson', size=28), tokenize]
    dataset = DATASETS.build(
        dict(type='PoseDataset', reader=records, task='image', pipeline=pipeline, serialize_data=False)
    )
    assert len(dataset) == 4 and dataset.dropped == {'poses without image': 2}
    found = dataset[3]
    assert found['inputs']['pixel_values'].shape[0] == 1 and found['data_samples']['gender'] == 'female'
    assert found['data_samples']['conversations'][0]['value'].startswith('<image>\n')
    with pytest.raises(ValueError, match="no samples for task='text'"):
        DATASETS.build(dict(type='PoseDataset', reader=dict(records, ann_files=[]), task='text'))


def test_crop(tmp_path):
    """The whole box is in the square; what is outside the image is black."""
    image = np.zeros((40, 100, 3), np.uint8)
    image[:, :, 0], image[:, :, 1] = np.arange(100), np.arange(40)[:, None] + 100
    Image.fromarray(image).save(tmp_path / 'a.png')

    def crop(box, **options):
        results = dict(record_id='r', img_path=str(tmp_path / 'a.png'), bbox=box)
        (found,) = CropPerson(**options)(results)['images']
        return np.array(found)

    inside = crop((10, 5, 20, 25))
    assert np.array_equal(inside, image[5:25, 5:25])
    border = crop((90, 10, 100, 40))  # a square of 30 around x = 95, y = 25
    assert border.shape == (30, 30, 3)
    assert np.array_equal(border[:, :20], image[10:40, 80:]) and not border[:, 20:].any()
    assert crop((10, 5, 20, 25), margin=1.5).shape == (30, 30, 3)
    assert crop((10, 5, 20, 25), size=64).shape == (64, 64, 3)
    whole = crop(None)  # 100 x 100 around the wide image
    assert whole.shape == (100, 100, 3) and np.array_equal(whole[30:70], image)
    for box in ((100, 0, 120, 30), (-30, 0, 0, 30), (0, 0, 1e6, 30)):
        with pytest.raises(ValueError, match=r"record 'r': the box .* in an image of 100 x 40 pixels"):
            crop(box)
    text = dict(record_id='r', img_path=None)
    assert CropPerson()(text) == text


def mixture(records, weights=(1, 1, 2), epoch_size=16, **options):
    """Text, image and both tasks as three parts of 4, 4 and 4 samples."""
    parts = [
        dict(type='PoseDataset', reader=records, task=task, serialize_data=False) for task in ('text', 'image', 'image')
    ]
    dataset = ConcatDataset([DATASETS.build(part) for part in parts])
    sampler = dict(type='MixtureSampler', dataset=dataset, weights=weights, epoch_size=epoch_size, seed=3)
    return dataset, DATA_SAMPLERS.build(dict(sampler, **options))


def test_shares_of_the_mixture(records):
    """16 draws as 1:1:2 of parts with 4 samples: each of the first two once, each of the last twice."""
    _, sampler = mixture(records)
    orders = []
    for epoch in range(3):
        sampler.set_epoch(epoch)
        orders.append(list(sampler))
        assert [Counter(orders[-1])[i] for i in range(12)] == [1] * 8 + [2] * 4
    assert len(set(map(tuple, orders))) == 3 and orders[0] != sorted(orders[0]) and len(sampler) == 16
    _, resumed = mixture(records)
    resumed.set_epoch(2)
    np.random.seed(5)
    assert list(resumed) == orders[2]
    assert list(mixture(records, seed=4)[1]) != orders[0]
    # passes go on over epochs: 3 of 4 in each of four epochs is each three times
    _, sampler = mixture(records, (0, 0, 1), 3)
    seen = Counter()
    for epoch in range(4):
        sampler.set_epoch(epoch)
        seen.update(sampler)
    assert seen == {8: 3, 9: 3, 10: 3, 11: 3}


def test_any_weights(records):
    assert mixture(records, (0.5, 0.3, 0.2), 11)[1].counts == [6, 3, 2]  # 5.5, 3.3 and 2.2
    assert mixture(records, (1, 0, 1), 3)[1].counts == [2, 0, 1]
    for weights in ((1, 1), (1, 1, -1), (0, 0, 0), (1, 1, float('nan'))):
        with pytest.raises(ValueError, match='one number from 0 on for each of 3 data sets'):
            mixture(records, weights)
    with pytest.raises(ValueError, match='epoch_size=0'):
        mixture(records, epoch_size=0)
    dataset, _ = mixture(records)
    with pytest.raises(TypeError, match='ConcatDataset, not PoseDataset'):
        mixture(records, dataset=dataset.datasets[0])


def test_processes_share_the_mixture(records, monkeypatch):
    alone = list(mixture(records, epoch_size=15)[1])
    shares = []
    for rank in range(2):
        monkeypatch.setattr(mixture_sampler, 'get_dist_info', lambda rank=rank: (rank, 2))
        sampler = mixture(records, epoch_size=15)[1]
        shares.append(list(sampler))
        assert len(sampler) == len(shares[-1]) == 8
    assert [index for step in zip(*shares) for index in step] == [*alone, alone[0]]


def test_workers_draw_the_same(records):
    """Wordings do not depend on the number of workers, and change from epoch to epoch."""
    dataset, sampler = mixture(records)

    def texts(workers, epoch=0):
        sampler.set_epoch(epoch)
        loader = DataLoader(
            dataset,
            batch_size=5,
            sampler=sampler,
            num_workers=workers,
            collate_fn=lambda batch: [(one['record_id'], one['conversations']) for one in batch],
            worker_init_fn=partial(worker_init_fn, num_workers=workers, rank=0, seed=workers),
        )
        hook = EpochSeedHook()
        runner = SimpleNamespace(seed=1, epoch=epoch, train_loop=SimpleNamespace(dataloader=loader))
        hook.before_train(runner)
        hook.before_train_epoch(runner)
        found = [one for batch in loader for one in batch]
        del dataset.__getitems__
        return found

    alone = texts(0)
    assert len(alone) == 16 and texts(1) == alone == texts(2)
    assert {str(turns) for _, turns in texts(0, 1)} != {str(turns) for _, turns in alone}
