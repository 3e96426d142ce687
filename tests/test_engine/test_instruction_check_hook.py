"""Instruction data is checked before training."""

import json
from types import SimpleNamespace

import pytest
from mmpose.registry import DATASETS
from PIL import Image
from tiny_llava import IMAGE_TOKENS, tiny_llava_processor

from clamp_mmpose.engine.hooks import InstructionCheckHook

WHO, MAN = {'from': 'human', 'value': '<image>\nWho?'}, {'from': 'gpt', 'value': 'A man.'}


@pytest.fixture(scope='module')
def processor(tmp_path_factory):
    folder = tmp_path_factory.mktemp('llava') / 'processor'
    tiny_llava_processor(folder)
    return str(folder)


@pytest.fixture
def logged(tmp_path, processor):
    """What the hook logs about records with these conversations."""
    Image.new('RGB', (60, 40)).save(tmp_path / 'a.png')

    def run(*conversations, tokenized=2000, context=None, weights=None, **step):
        records = [dict(id=i, image='a.png', conversations=turns) for i, turns in enumerate(conversations)]
        (tmp_path / 'a.json').write_text(json.dumps(records))
        pipeline = [dict(type='TokenizeConversation', processor=processor, **step)]
        config = dict(type='InstructionDataset', ann_files='a.json', data_root=str(tmp_path), weights=weights)
        config['serialize_data'] = False  # which collects garbage, half a second each time
        loop = SimpleNamespace(dataloader=SimpleNamespace(dataset=DATASETS.build(dict(config, pipeline=pipeline))))
        lines = []
        logger = SimpleNamespace(info=lines.append)
        model = SimpleNamespace() if context is None else SimpleNamespace(max_length=context)
        InstructionCheckHook(tokenized).before_train(
            SimpleNamespace(model=model, train_loop=loop, val_loop=None, logger=logger)
        )
        return lines

    return run


def test_lengths(logged, processor):
    from transformers import AutoTokenizer

    length = len(AutoTokenizer.from_pretrained(processor)('USER: <image>\nWho? ASSISTANT: A man.</s>')['input_ids'])
    longest = f'a.json: the longest of {{}} conversations takes {length + IMAGE_TOKENS - 1} tokens'
    (line,) = logged([WHO, MAN], [WHO, MAN], context=99)
    assert line.startswith(longest.format(2)) and line.endswith('of all tokens are learned; 99 are read.')
    (line,) = logged(*[[WHO, MAN]] * 9, tokenized=3, weights=[0.5])
    assert line.startswith(longest.format(3)) and line.endswith('are learned.')
    two = [WHO, MAN, dict(WHO, value='And?'), MAN]
    lines = logged([WHO, MAN], two, max_length=length + IMAGE_TOKENS - 1, too_long='drop_rounds')
    effect = 'lose their last rounds, or are left out if their first is too long'
    assert lines[1:] == [f'1 of these are longer and {effect}.']


def test_faults(logged):
    with pytest.raises(ValueError, match=r"^1 faults in .*a.json: record '1': turn 1 is from human, expected gpt"):
        logged([WHO, MAN], [WHO, WHO, MAN])
    with pytest.raises(ValueError, match=r"record '1': a turn from assistant has the special token '</s>'"):
        logged([WHO, MAN], [WHO, dict(MAN, value='</s>')])
    assert logged([WHO, MAN], [WHO, dict(MAN, value='</s>')], [WHO, MAN], tokenized=2)
    for options in (dict(context=10), dict(max_length=10), dict(context=10, max_length=99, too_long='skip')):
        with pytest.raises(ValueError, match=r"^1 faults .*record '0' has \d+ tokens, 10 are read"):
            logged([WHO, MAN], **options)
