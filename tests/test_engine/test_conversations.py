"""Tokens of conversations, missing descriptions and groups without a label are counted before training."""

import json
import logging
from collections import OrderedDict
from types import SimpleNamespace

import pytest
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmpose.registry import DATASETS, MODELS
from tiny_tokenizers import byte_level
from transformers import AutoTokenizer

from clamp_mmpose.cli.check_dataset import main
from clamp_mmpose.engine.hooks import ConversationLengthHook

CONTEXT = 300


@pytest.fixture(scope='module')
def tokenizer(tmp_path_factory):
    return byte_level(tmp_path_factory.mktemp('tokenizer') / 'digits', triples=False, start=False)


def model_config(tokenizer, limit=CONTEXT, **head):
    """Two by two image tokens: 64 pixels at stride 32."""
    sizes = dict(hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2)
    return dict(
        type='TopdownPoseEstimator',
        data_preprocessor=dict(type='PoseDataPreprocessor'),
        backbone=dict(type='TIMMBackbone', model_name='resnet10t'),
        head=dict(
            type='CapeLLMHead',
            in_channels=512,
            decoder=dict(type='CoordinateAnswer', input_size=(64, 64)),
            language_model=dict(
                type='CausalLanguageModel',
                tokenizer=tokenizer,
                tune='full',
                config=dict(model_type='llama', max_position_embeddings=limit, **sizes),
            ),
            **head,
        ),
    )


def data_config(mp100, text='descriptions', rounds=2):
    steps = [
        dict(type='LoadIntactImage'),
        dict(type='GetBBoxCenterScale', padding=1.0),
        dict(type='TopdownAffine', input_size=(64, 64)),
        dict(type='GenerateTarget', encoder=dict(type='CoordinateAnswer', input_size=(64, 64))),
        dict(type='GetTextQueries', text=text),
        dict(type='PackTextQueries'),
    ]
    files = dict(data_root=str(mp100), ann_file='ann.json', texts=str(mp100 / 'texts'))
    dataset = dict(type='MP100Dataset', data_prefix=dict(img='images/'), pipeline=steps, **files)
    return dict(type='KeypointRounds', rounds=rounds, dataset=dataset)


def logged(model, train, val=None):
    """What the hook logs: the level and the text of each line."""
    lines = []
    loops = [
        None if data is None else SimpleNamespace(dataloader=SimpleNamespace(dataset=data)) for data in (train, val)
    ]
    logger = SimpleNamespace(
        info=lambda text: lines.append((logging.INFO, text)), log=lambda level, text: lines.append((level, text))
    )
    runner = SimpleNamespace(model=model, train_loop=loops[0], val_loop=loops[1], logger=logger)
    ConversationLengthHook().before_train(runner)
    return lines


def expected_length(tokenizer, answer, names, descriptions, rounds, chained):
    """Four image tokens, then the longest rounds in a chain, or the longest alone; each with ``answer`` tokens."""
    read = AutoTokenizer.from_pretrained(tokenizer)

    def count(text):
        return len(read(text)['input_ids'])

    prompts = [
        f'User: Where is the {name} of this object in this image? Please provide its coordinates.\n'
        f'Reference: {description}\nAssistant:'
        for name, description in zip(names, descriptions)
    ]
    first, *others = sorted(prompts, key=lambda prompt: -count(prompt))[: rounds if chained else 1]
    return 4 + count(f'\n{first}') + answer + sum(count(prompt) + answer for prompt in others)


@pytest.mark.parametrize('mask', ['chained', 'isolated'])
def test_the_longest_conversation(tokenizer, mp100, mask):
    model = MODELS.build(model_config(tokenizer, limit=1000, rounds_mask=mask)).train()
    train = DATASETS.build(data_config(mp100))
    answer = len(model.head.answer_tokens.answer(0.5, 0.5))
    texts = [(own['keypoint_names'], own['keypoint_descriptions']) for own in train.dataset.category_fields.values()]
    length = {
        rounds: max(expected_length(tokenizer, answer, *own, rounds, mask == 'chained') for own in texts)
        for rounds in (1, 2)
    }
    assert (length[2] > length[1] + 50) == (mask == 'chained')
    expected = 'the longest conversation takes {} tokens, 4 of them for the image; the language model reads 1,000.'
    assert logged(model, train, train.dataset) == [
        (logging.INFO, f'train: {expected.format(length[2])}'),
        (logging.INFO, f'val: {expected.format(length[1])}'),
    ]
    assert model.training and model.backbone.training


def test_what_is_missing(tokenizer, mp100):
    model = MODELS.build(model_config(tokenizer))
    train = DATASETS.build(data_config(mp100, text='names', rounds=1))
    assert logged(model, train)[1:] == [
        (
            logging.WARNING,
            "train: 5 of 5 keypoints have no description, such as 'tip', 'cap', 'left rim': only the name is asked "
            'for.',
        ),
        (logging.INFO, 'train: 2 of 10 samples have no labeled keypoint: others are drawn at random instead.'),
    ]
    plain = MODELS.build(model_config(tokenizer, description=False))
    assert len(logged(plain, train)) == 2


def test_too_long_for_the_context(tokenizer, mp100):
    model = MODELS.build(model_config(tokenizer, limit=40))
    with pytest.raises(
        ValueError, match=r'^train: 2 of 2 objects have conversations that are too long; in the first, '
    ):
        logged(model, DATASETS.build(data_config(mp100)))


def test_no_validation_of_names(tokenizer, mp100):
    model = MODELS.build(model_config(tokenizer, limit=1000, instruction='direct_qa'))
    train = DATASETS.build(data_config(mp100))
    assert logged(model, train)
    with pytest.raises(ValueError, match=r'finds no keypoints .* set val_cfg'):
        logged(model, train, train.dataset)


def test_the_check_of_a_config(tokenizer, mp100, capsys, monkeypatch):
    """Without weights: the model is built on the meta device."""
    loader = dict(batch_size=1, dataset=data_config(mp100, text='names', rounds=1))

    def found(**changes):
        path = mp100 / 'config.py'
        cfg = Config(dict(dict(model=model_config(tokenizer, limit=30), train_dataloader=loader), **changes))
        cfg.dump(path)
        monkeypatch.setattr(DefaultScope, '_instance_dict', OrderedDict())  # as in a new process
        code = main([str(path), '--no-images', '--json', str(mp100 / 'found.json')])
        capsys.readouterr()
        rows = json.loads((mp100 / 'found.json').read_text())
        return code, [(row['code'], row['where'], row['detail']) for row in rows if row['code'][:2] in ('TX', 'AF')]

    where = 'train_dataloader.dataset'
    code, rows = found()
    assert code == 1 and [row[:2] for row in rows if row[0] == 'TX004'] == [('TX004', where)] * 2
    assert ('AF011', where, '2 of 10 samples have no labeled keypoint') in rows
    [undescribed] = [row for row in rows if row[0] == 'TX005']
    assert undescribed[2].startswith('5 of 5 keypoints have no description, such as')
    code, rows = found(model=model_config(tokenizer, description=False))
    assert code == 0 and {row[0] for row in rows} == {'AF009', 'AF011'}
    code, rows = found(model=model_config(str(mp100 / 'nothing')))
    assert code == 0 and [row[0] for row in rows] == ['AF009', 'TX006'] and 'nothing' in rows[1][2]
