"""Tokens of conversations, and which of them are learned: hand-worked strings for chat templates of several kinds."""

import numpy as np
import pytest
import transformers
from mmengine.utils import digit_version
from PIL import Image
from tiny_llava import IMAGE_TOKENS, tiny_llava_processor
from tiny_tokenizers import byte_level, sentence_piece
from transformers import AutoTokenizer

from clamp_mmpose.codecs import ChatTokens

CHAT_ML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
IMPLICIT_SYSTEM = (
    "{% if messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou help.<|im_end|>\n' }}{% endif %}" + CHAT_ML
)
GENERATION = """
{%- for m in messages %}
    {%- if m['role'] == 'assistant' %}
        {{- '<|im_start|>assistant\n' }}
        {%- generation %}
        {{- m['content'] + '<|im_end|>' }}
        {%- endgeneration %}
        {{- '\n' }}
    {%- else %}
        {{- '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}
"""
# as llava-hf/llava-1.5-7b-hf has it: no end token behind an answer
LLAVA = (
    "{% for message in messages %}{% if message['role'] != 'system' %}{{ message['role'].upper() + ': '}}{% endif %}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'image') %}{{ '<image>\n' }}{% endfor %}"
    "{% if message['role'] != 'assistant' %}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}{{ content['text'] + ' '}}"
    '{% endfor %}{% else %}'
    "{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}"
    "{% generation %}{{ content['text'] + ' '}}{% endgeneration %}{% endfor %}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)
ROUNDS = [
    {'from': 'human', 'value': 'Which arm is raised?'},
    {'from': 'gpt', 'value': 'The left arm.'},
    {'from': 'human', 'value': 'Who is it?'},
    {'from': 'gpt', 'value': 'Both.\nOf them.'},
]


@pytest.fixture(scope='module')
def tokenizers(tmp_path_factory):
    """By name: byte-level, SentencePiece (fast), SentencePiece (slow; transformers 5 has no slow one)."""
    folder = tmp_path_factory.mktemp('tokenizers')
    found = dict(bytes=AutoTokenizer.from_pretrained(byte_level(folder / 'bytes', triples=False, start=True)))
    sentence_piece(folder / 'pieces')
    for name in ('pieces', 'slow'):
        found[name] = AutoTokenizer.from_pretrained(str(folder / 'pieces'), use_fast=name == 'pieces')
    assert found['pieces'].is_fast
    assert not found['slow'].is_fast or digit_version(transformers.__version__) >= digit_version('5')
    for tokenizer in found.values():
        tokenizer.add_special_tokens(dict(additional_special_tokens=['<|im_start|>', '<|im_end|>', '<image>']))
    return found


@pytest.fixture(scope='module')
def processor(tmp_path_factory):
    return tiny_llava_processor(tmp_path_factory.mktemp('llava') / 'processor')


def parts(tokenizer, ids, labels):
    """The text of each run of tokens, with whether it is learned."""
    assert ids.dtype == labels.dtype == np.int64 and ids.shape == labels.shape
    learned = labels != -100
    assert np.array_equal(labels[learned], ids[learned])
    edges = np.flatnonzero(np.diff(learned.astype(int))) + 1
    return [
        (bool(learned[run[0]]), tokenizer.decode(ids[run], spaces_between_special_tokens=False))
        for run in np.split(np.arange(len(ids)), edges)
    ]


@pytest.mark.parametrize('name', ['bytes', 'pieces', 'slow'])
@pytest.mark.parametrize('template', [CHAT_ML, GENERATION], ids=['plain', 'generation'])
def test_chat_ml(tokenizers, name, template):
    tokenizer = tokenizers[name]
    found = parts(tokenizer, *ChatTokens(tokenizer, template).encode(ROUNDS))
    start = '<s>' if tokenizer.decode(tokenizer('a')['input_ids']).startswith('<s>') else ''
    assert [(learned, text.replace(' ', '')) for learned, text in found] == [
        (False, f'{start}<|im_start|>user\nWhicharmisraised?<|im_end|>\n<|im_start|>assistant\n'),
        (True, 'Theleftarm.<|im_end|>'),
        (False, '\n<|im_start|>user\nWhoisit?<|im_end|>\n<|im_start|>assistant\n'),
        (True, 'Both.\nOfthem.<|im_end|>'),
        (False, '\n'),
    ]


def test_an_implicit_system_prompt(tokenizers):
    found = parts(tokenizers['bytes'], *ChatTokens(tokenizers['bytes'], IMPLICIT_SYSTEM).encode(ROUNDS[:2]))
    assert found == [
        (
            False,
            '<s><|im_start|>system\nYou help.<|im_end|>\n<|im_start|>user\nWhich arm is raised?<|im_end|>\n'
            '<|im_start|>assistant\n',
        ),
        (True, 'The left arm.<|im_end|>'),
        (False, '\n'),
    ]
    own = [{'from': 'system', 'value': 'Be brief.'}, *ROUNDS[:2]]
    found = parts(tokenizers['bytes'], *ChatTokens(tokenizers['bytes'], IMPLICIT_SYSTEM).encode(own))
    assert found[0][1].startswith('<s><|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nWhich')


@pytest.mark.parametrize('name', ['bytes', 'pieces', 'slow'])
def test_the_template_of_llava_in_transformers_gets_end_tokens(tokenizers, name):
    tokenizer = tokenizers[name]
    tokens = ChatTokens(tokenizer, LLAVA)
    found = parts(tokenizer, *tokens.encode(ROUNDS))
    assert [(learned, ' '.join(text.replace('<s>', '').split())) for learned, text in found[:4]] == [
        (False, 'USER: Which arm is raised? ASSISTANT:'),
        (True, 'The left arm.</s>'),
        (False, 'USER: Who is it? ASSISTANT:'),
        (True, 'Both. Of them.</s>'),
    ]
    assert not found[4][0] and not found[4][1].strip(), 'the space that the template writes'
    question = tokens.prompt(ROUNDS[:3])
    ids, labels = tokens.encode(ROUNDS)
    assert np.array_equal(ids[: len(question)], question)
    assert labels[len(question)] == ids[len(question)] and labels[len(question) - 1] == -100


def test_images_of_a_processor(processor):
    """As the processor itself writes them, with the answer learned."""
    image = Image.fromarray(np.arange(40 * 60 * 3, dtype=np.uint8).reshape(40, 60, 3))
    rounds = [{'from': 'human', 'value': '<image>\nWhich arm?'}, {'from': 'gpt', 'value': 'The left.'}]
    tokens = ChatTokens(processor)
    inputs = tokens.inputs(rounds, [image])
    expected = processor(
        images=[image], text=['USER: <image>\nWhich arm? ASSISTANT: The left.</s>'], return_tensors='pt'
    )
    assert inputs['input_ids'].tolist() == expected['input_ids'][0].tolist()
    assert (inputs['input_ids'] == tokens.image_id).sum() == IMAGE_TOKENS
    assert np.array_equal(inputs['pixel_values'], expected['pixel_values']) and len(inputs['pixel_values']) == 1
    found = parts(processor.tokenizer, inputs['input_ids'].numpy(), inputs['labels'].numpy())
    assert [text for learned, text in found if learned] == [' The left.</s>']
    # without decoding: a new object, the size of the image
    ids, labels = ChatTokens(processor).encode(rounds, [(60, 40)])
    assert np.array_equal(ids, inputs['input_ids']) and np.array_equal(labels, inputs['labels'])
    prompt = tokens.prompt_inputs(rounds[:1], [image])
    assert np.array_equal(prompt['input_ids'], ids[: len(prompt['input_ids'])])
    assert np.array_equal(prompt['pixel_values'], expected['pixel_values'])


def test_two_images(processor):
    images = [Image.new('RGB', (30, 40), color) for color in ('red', 'blue')]
    rounds = [
        {'from': 'human', 'value': '<image>\nWho?'},
        {'from': 'gpt', 'value': 'A man.'},
        {'from': 'human', 'value': 'And here? <image>'},
        {'from': 'gpt', 'value': 'A dog.'},
    ]
    inputs = ChatTokens(processor).inputs(rounds, images)
    text = 'USER: <image>\nWho? ASSISTANT: A man.</s>USER: <image>\nAnd here?  ASSISTANT: A dog.</s>'
    expected = processor(images=images, text=[text], return_tensors='pt')
    assert inputs['input_ids'].tolist() == expected['input_ids'][0].tolist()
    assert np.array_equal(inputs['pixel_values'], expected['pixel_values']) and len(inputs['pixel_values']) == 2
