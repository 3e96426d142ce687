"""LLaVA's records: reading, weights of several files, tokens in loader workers."""

import json
from collections import Counter
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.dataset import DefaultSampler, worker_init_fn
from mmengine.registry import FUNCTIONS
from mmpose.registry import DATASETS
from PIL import Image
from tiny_llava import IMAGE_TOKENS, tiny_llava_processor
from torch.utils.data import DataLoader

from clamp_mmpose.datasets.instructions import collate_conversations
from clamp_mmpose.datasets.transforms import TokenizeConversation
from clamp_mmpose.engine.hooks import EpochSeedHook


@pytest.fixture(scope='module')
def processor(tmp_path_factory):
    folder = tmp_path_factory.mktemp('llava') / 'processor'
    tiny_llava_processor(folder)
    return str(folder)


def record(number, image='a.png', question='<image>\nWho?', answer='A man.'):
    turns = [{'from': 'human', 'value': question}, {'from': 'gpt', 'value': answer}]
    return dict(id=str(number), conversations=turns, **({} if image is None else dict(image=image)))


@pytest.fixture
def folder(tmp_path):
    """Two files: ten records of one image each, and four texts without images, one of them about two images."""
    (tmp_path / 'images').mkdir()
    for name, color in (('a.png', 'red'), ('b.png', 'blue')):
        Image.new('RGB', (60, 40), color).save(tmp_path / 'images' / name)
    first = [record(i) for i in range(10)]
    second = [record(f't{i}', None, 'What is a pose?', 'How one stands.') for i in range(3)]
    second.append(record('two', ['a.png', 'b.png'], 'Compare <image> and <image>.', 'Red and blue.'))
    (tmp_path / 'first.json').write_text(json.dumps(first))
    (tmp_path / 'second.jsonl').write_text(''.join(json.dumps(entry) + '\n' for entry in second))
    return tmp_path


def build(folder, files=('first.json', 'second.jsonl'), **options):
    own = dict(type='InstructionDataset', ann_files=list(files), data_root=str(folder), data_prefix=dict(img='images'))
    own['serialize_data'] = False  # which collects garbage, half a second each time
    return DATASETS.build(dict(own, **options))


def ids(dataset):
    return [dataset.get_data_info(i)['record_id'] for i in range(len(dataset))]


def test_samples(folder):
    dataset = build(folder)
    assert ids(dataset) == [*map(str, range(10)), 't0', 't1', 't2', 'two']
    info = dataset.get_data_info(3)
    assert info['img_path'] == str(folder / 'images/a.png') and info['sample_idx'] == 3
    assert info['conversations'][1] == {'from': 'gpt', 'value': 'A man.'}
    assert dataset.get_data_info(10)['img_path'] is None
    assert dataset.get_data_info(-1)['img_path'] == [str(folder / 'images' / name) for name in ('a.png', 'b.png')]
    assert ids(build(folder, ann_files='first.json', serialize_data=True)) == [*map(str, range(10))]
    assert ids(build(folder, indices=2)) == ['0', '1'] and ids(build(folder, indices=[11, 0])) == ['0', 't1']


def test_weights(folder):
    """1.5 times ten records and half of four: each record once, half of each pair besides, others in other epochs."""
    dataset = build(folder, weights=[1.5, 0.5])
    epochs = []
    for seed in range(12):
        np.random.seed(seed)
        epochs.append(ids(dataset))
        np.random.seed(seed)
        assert ids(dataset) == epochs[-1]
    for epoch in epochs:
        counts = Counter(epoch)
        assert len(epoch) == 17 and sorted(counts[str(i)] for i in range(10)) == [1] * 5 + [2] * 5
        assert sum(counts[name] for name in ('t0', 't1', 't2', 'two')) == 2 and max(counts.values()) == 2
    assert {name for epoch in epochs for name in epoch[15:]} == {'t0', 't1', 't2', 'two'}
    assert {name for epoch in epochs for name in epoch[10:15]} == {str(i) for i in range(10)}
    halves = {frozenset(epoch[15:]) for epoch in epochs}
    assert len(halves) == 4, 'one of each pair'
    assert ids(build(folder, weights=[2, 1]))[:20] == [*map(str, range(10))] * 2
    with pytest.raises(ValueError, match='one number above 0 for each of 2 files'):
        build(folder, weights=[1, 0])
    with pytest.raises(ValueError, match='leave no records'):
        build(folder, ['second.jsonl'], weights=[0.1])


def test_missing_images(folder):
    (folder / 'images/b.png').unlink()
    with pytest.raises(FileNotFoundError, match=r"second.jsonl, record 'two': image .*b.png does not exist"):
        build(folder)
    dataset = build(folder, missing_images='skip')
    assert dataset.skipped == 1 and len(dataset) == 13
    with pytest.raises(ValueError, match='no records with their images'):
        build(folder, ['first.json'], data_prefix=dict(img='nowhere'), missing_images='skip')


@pytest.mark.parametrize(
    ('name', 'text', 'message'),
    [
        ('a.json', '{}', 'must be a JSON array'),
        ('a.json', '[{"id": 1, "id": 2}]', "the key 'id' occurs twice"),
        ('a.json', '[{"id": 1}]', r'entry 0: conversations must be a list of turns, got None'),
        ('a.json', '[{"conversations": [], "image": [1]}]', 'entry 0: image must be the name of a file'),
        ('a.jsonl', '\n{"conversations": []}\n[]\n', 'line 3: a record must be an object'),
        ('a.jsonl', '{"conversations": []}\n{"conv', 'line 2 cannot be read as JSON'),
    ],
)
def test_files_that_are_no_records(folder, name, text, message):
    (folder / name).write_text(text)
    with pytest.raises(ValueError, match=message):
        build(folder, [name])


def test_a_line_separator_inside_a_text(folder):
    text = json.dumps(record(1, None, 'What\u2028now?'), ensure_ascii=False)
    (folder / 'a.jsonl').write_text(text, encoding='utf-8')
    assert build(folder, ['a.jsonl']).get_data_info(0)['conversations'][0]['value'] == 'What\u2028now?'


def test_batches_in_workers(folder, processor):
    """The same batches with and without workers; images of all samples one after another."""
    dataset = build(folder, weights=[0.5, 1], pipeline=[dict(type='TokenizeConversation', processor=processor)])

    def batches(workers):
        loader = DataLoader(
            dataset,
            batch_size=3,
            sampler=DefaultSampler(dataset, seed=0),
            num_workers=workers,
            collate_fn=FUNCTIONS.get('collate_conversations'),
            worker_init_fn=partial(worker_init_fn, num_workers=workers, rank=0, seed=workers),
        )
        hook, runner = EpochSeedHook(), SimpleNamespace(seed=1, epoch=0, train_loop=SimpleNamespace(dataloader=loader))
        hook.before_train(runner)
        hook.before_train_epoch(runner)
        found = list(loader)
        del dataset.__getitems__
        return found

    alone, shared = batches(0), batches(2)
    assert [len(batch['data_samples']) for batch in alone] == [3, 3, 3]
    assert len({sample['record_id'] for batch in alone for sample in batch['data_samples']}) == 9
    for one, other in zip(alone, shared):
        assert [sample['record_id'] for sample in one['data_samples']] == [
            s['record_id'] for s in other['data_samples']
        ]
        assert list(one['inputs']) == list(other['inputs'])
        assert all(torch.equal(value, other['inputs'][name]) for name, value in one['inputs'].items())
    for batch in alone:
        inputs, paths = batch['inputs'], [sample['img_path'] for sample in batch['data_samples']]
        images = sum(len(path) if isinstance(path, list) else path is not None for path in paths)
        assert images == len(inputs.get('pixel_values', ()))
        token = dataset.pipeline.transforms[0].chat.image_id
        assert (inputs['input_ids'] == token).sum() == images * IMAGE_TOKENS


def test_collate():
    def sample(*ids, images=None):
        inputs = dict(input_ids=torch.tensor(ids), labels=torch.tensor(ids))
        return dict(
            inputs=inputs if images is None else dict(inputs, pixel_values=images), data_samples=dict(n=len(ids))
        )

    batch = collate_conversations(
        [sample(5, 6, 7, images=torch.ones(2, 3, 4)), sample(8), sample(9, 9, images=torch.ones(1, 5, 2))]
    )
    assert batch['data_samples'] == [dict(n=3), dict(n=1), dict(n=2)]
    inputs = batch['inputs']
    assert inputs['input_ids'].tolist() == [[5, 6, 7], [8, 0, 0], [9, 9, 0]]
    assert inputs['labels'].tolist() == [[5, 6, 7], [8, -100, -100], [9, 9, -100]]
    assert inputs['attention_mask'].tolist() == [[1, 1, 1], [1, 0, 0], [1, 1, 0]]
    assert inputs['pixel_values'].shape == (3, 5, 4)
    assert inputs['pixel_values'].sum(dim=(1, 2)).tolist() == [12, 12, 10] and inputs['pixel_values'][2, 4, 1] == 1


def test_too_long(folder, processor):
    """Whole rounds are left out behind, never a part of an image or an answer."""
    rounds = [{'from': 'human', 'value': '<image>\nWho?'}, {'from': 'gpt', 'value': 'A man.'}]
    more = [{'from': 'human', 'value': 'And <image>?'}, {'from': 'gpt', 'value': 'A dog.'}]
    path = str(folder / 'images/a.png')

    def tokens(turns, images=1, **options):
        sample = dict(record_id='r', img_path=[path] * images, conversations=turns)
        return TokenizeConversation(processor, **options)(sample)

    short, full = tokens(rounds), tokens(rounds + more, 2)
    length, longer = (len(sample['inputs']['input_ids']) for sample in (short, full))
    assert len(full['inputs']['pixel_values']) == 2 and full['data_samples']['record_id'] == 'r'
    with pytest.raises(
        ValueError, match=f"record 'r' has {len(full['inputs']['input_ids'])} tokens, max_length is {length}"
    ):
        tokens(rounds + more, 2, max_length=length)
    assert tokens(rounds + more, 2, max_length=length, too_long='skip') is None
    cut = tokens(rounds + more, 2, max_length=length, too_long='drop_rounds')
    assert all(torch.equal(value, short['inputs'][name]) for name, value in cut['inputs'].items())
    assert list(cut['inputs']) == list(short['inputs'])
    assert tokens(rounds + more, 2, max_length=length - 1, too_long='drop_rounds') is None
    whole = tokens(rounds + more, 2, max_length=longer)
    assert torch.equal(whole['inputs']['input_ids'], full['inputs']['input_ids'])
