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


def test_vicuna_pads_images_to_squares(processor):
    """As LLaVA-1.5: the processor alone keeps the middle of a wide image, without the people at its sides."""
    image = Image.new('RGB', (60, 20), 'red')
    square = Image.new('RGB', (60, 60), (122, 116, 104))  # 255 times CLIP's mean
    square.paste(image, (0, 20))
    rounds = [{'from': 'human', 'value': '<image>\nWho?'}, {'from': 'gpt', 'value': 'A man.'}]
    expected = [processor(images=[shown], text=['<image>'], return_tensors='pt') for shown in (square, image)]
    for template, whole in (('vicuna_v1', expected[0]), (None, expected[1])):
        found = ChatTokens(processor, template).inputs(rounds, [image])
        assert np.array_equal(found['pixel_values'], whole['pixel_values'])
        assert (found['input_ids'] == ChatTokens(processor).image_id).sum() == IMAGE_TOKENS
    assert not np.array_equal(*(whole['pixel_values'] for whole in expected))


GLUED = (
    "{% for m in messages %}{{ m['content'] }}{% if m['role'] == 'assistant' %}{{ eos_token }}{% endif %}{% endfor %}"
)


@pytest.mark.parametrize('name', ['bytes', 'pieces', 'slow'])
def test_a_token_of_question_and_answer_is_an_error(tokenizers, name):
    """The two halves of 'left' are one token: neither learned nor ignored is right."""
    tokens = ChatTokens(tokenizers[name], GLUED)
    halves = [{'from': 'human', 'value': 'Where is the le'}, {'from': 'gpt', 'value': 'ft eye.'}]
    with pytest.raises(
        ValueError, match=r"record '7': a token is part of a question and of an answer at 'Where is the le"
    ):
        tokens.encode(halves, record_id='7')
    apart = [halves[0], {'from': 'gpt', 'value': '\neye.'}]
    learned, text = parts(tokenizers[name], *tokens.encode(apart))[1]
    assert learned and text.lstrip(' ') == '\neye.</s>'


def test_an_empty_thought_is_learned_behind_the_prompt(tokenizers):
    """As Qwen3 writes its last answer: the model must write what its prompt does not."""
    thinking = CHAT_ML.replace(
        "m['role'] + '\n' +",
        "m['role'] + '\n' + ('<think>\n\n</think>\n\n' if loop.last and m['role'] == 'assistant' else '') +",
    )
    found = parts(tokenizers['bytes'], *ChatTokens(tokenizers['bytes'], thinking).encode(ROUNDS))
    assert [text for learned, text in found if learned] == [
        'The left arm.<|im_end|>',
        '<think>\n\n</think>\n\nBoth.\nOf them.<|im_end|>',
    ]


def test_templates_that_change_answers(tokenizers):
    trimmed = ChatTokens(tokenizers['bytes'], CHAT_ML.replace("m['content']", "m['content'] | trim"))
    spaces = [ROUNDS[0], {'from': 'gpt', 'value': ' The left arm.\n'}]
    labels = trimmed.encode(spaces)[1]
    assert np.array_equal(labels, trimmed.encode(ROUNDS[:2])[1]) and (labels != -100).any()
    thoughts = ChatTokens(tokenizers['bytes'], CHAT_ML.replace("m['content']", "m['content'].split('</think>')[-1]"))
    assert np.array_equal(thoughts.encode(ROUNDS)[0], ChatTokens(tokenizers['bytes'], CHAT_ML).encode(ROUNDS)[0])
    with pytest.raises(ValueError, match=r"record 'r': .* answers"):
        thoughts.encode([ROUNDS[0], {'from': 'gpt', 'value': 'Hm.</think>The left.'}], record_id='r')


def test_a_prompt_that_answers_do_not_follow(tokenizers):
    """Its prompts can be asked, but training on what does not follow them would be of no use."""
    prompt = CHAT_ML.replace("{{ '<|im_start|>assistant\n' }}", "{{ '<|im_start|>assistant\n<think>\n' }}")
    tokens = ChatTokens(tokenizers['bytes'], prompt)
    assert tokenizers['bytes'].decode(tokens.prompt(ROUNDS[:1])).endswith('assistant\n<think>\n')
    with pytest.raises(ValueError, match=r'does not write answers behind its prompt'):
        tokens.encode(ROUNDS)


def test_one_start_token(tokenizers):
    """From the template or from the tokenizer, never from both."""
    tokenizer = tokenizers['bytes']
    for template in (CHAT_ML, '{{ bos_token }}' + CHAT_ML):
        ids, _ = ChatTokens(tokenizer, template).encode(ROUNDS)
        assert ids[0] == tokenizer.bos_token_id and (ids == tokenizer.bos_token_id).sum() == 1


class WrongOffsets:
    """A tokenizer whose offsets are all 0, as those of Llama 3 were."""

    def __init__(self, tokenizer):
        self._own = tokenizer

    def __getattr__(self, name):
        return getattr(self._own, name)

    def __call__(self, *args, **kwargs):
        found = self._own(*args, **kwargs)
        if 'offset_mapping' in found:
            found['offset_mapping'] = [(0, 0)] * len(found['input_ids'])
        return found


def test_wrong_offsets_are_not_used(tokenizers):
    right, wrong = ChatTokens(tokenizers['bytes'], CHAT_ML), ChatTokens(WrongOffsets(tokenizers['bytes']), CHAT_ML)
    assert right.by_offsets and not wrong.by_offsets
    assert all(map(np.array_equal, right.encode(ROUNDS), wrong.encode(ROUNDS)))


def test_errors(tokenizers, processor):
    tokenizer = tokenizers['bytes']
    with pytest.raises(ValueError, match='the processor has no chat template'):
        ChatTokens(tokenizer)
    with pytest.raises(ValueError, match=r"template='vicuna', expected"):
        ChatTokens(tokenizer, 'vicuna')
    with pytest.raises(ValueError, match='cannot write a question and its answer'):
        ChatTokens(tokenizer, '{{ nothing }}')
    blind = ChatTokens(processor, CHAT_ML.replace("m['content']", "m['content'].replace('<image>', '')"))
    with pytest.raises(ValueError, match=r"record 'a': the text has 0 image tokens for 1 images"):
        blind.encode([{'from': 'human', 'value': '<image>\nWho?'}, ROUNDS[1]], [(60, 40)], 'a')


@pytest.mark.parametrize(
    ('turns', 'images', 'message'),
    [
        ([], 0, 'must be a list of turns'),
        ([{'from': 'human'}], 0, 'turn 0 must be'),
        ([{'from': 'user', 'value': 'a'}, ROUNDS[1]], 0, "turn 0 is from 'user'"),
        ([ROUNDS[0], ROUNDS[0], ROUNDS[1]], 0, 'turn 1 is from human, expected gpt'),
        ([ROUNDS[0], {'from': 'system', 'value': 'a'}], 0, 'turn 1 is from system, expected gpt'),
        ([ROUNDS[0]], 0, 'the last turn is from human, expected gpt'),
        ([ROUNDS[1]], 0, 'the last turn is from gpt, expected gpt'),
        ([ROUNDS[0], {'from': 'gpt', 'value': '\n'}], 0, 'turn 1 from gpt has no text'),
        ([{'from': 'human', 'value': '<image>\n'}, ROUNDS[1]], 1, 'turn 0 from human has no text'),
        ([{'from': 'human', 'value': '<image> a'}, ROUNDS[1]], 0, '0 images for 1 <image> tag'),
        ([{'from': 'human', 'value': '<image> a'}, ROUNDS[1]], 2, '2 images for 1 <image> tag'),
        ([ROUNDS[0], {'from': 'gpt', 'value': 'a <image>'}], 0, 'images belong to turns from human'),
    ],
)
def test_faults_of_conversations(processor, turns, images, message):
    with pytest.raises(ValueError, match=f"record '7': .*{message}"):
        ChatTokens(processor).encode(turns, [(60, 40)] * images, '7')


def test_what_is_put_right(processor):
    """A first answer is left out as in LLaVA; an image without a tag is put in front."""
    tokens = ChatTokens(processor)
    expected = tokens.encode([{'from': 'human', 'value': '<image>\nWho?'}, ROUNDS[1]], [(60, 40)])
    found = tokens.encode([ROUNDS[3], {'from': 'human', 'value': 'Who?'}, ROUNDS[1]], [(60, 40)])
    assert all(map(np.array_equal, found, expected))
    system = {'from': 'system', 'value': 'Be brief.'}
    assert all(map(np.array_equal, tokens.encode([system, *ROUNDS]), tokens.encode([system, ROUNDS[1], *ROUNDS])))


@pytest.mark.skipif(
    digit_version(transformers.__version__) < digit_version('5'), reason='wants another tokenizer class'
)
def test_qwen_with_images_of_two_sizes(tmp_path):
    """As its own processor writes them: as many tokens as patches, between two marks."""
    tokenizer = AutoTokenizer.from_pretrained(byte_level(tmp_path / 'tokenizer', triples=False, start=False))
    names = ['<|im_start|>', '<|im_end|>', '<|vision_start|>', '<|vision_end|>', '<|image_pad|>', '<|video_pad|>']
    tokenizer.add_special_tokens(dict(additional_special_tokens=names))
    template = (
        "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% for c in m['content'] %}{% if c['type'] == 'image' %}"
        "<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ c['text'] }}{% endif %}{% endfor %}<|im_end|>\n"
        '{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}'
    )
    processor = transformers.Qwen2VLProcessor(
        transformers.Qwen2VLImageProcessor(min_pixels=28 * 28, max_pixels=28 * 28 * 64),
        tokenizer,
        transformers.Qwen2VLVideoProcessor(),
        chat_template=template,
    )
    images = [Image.new('RGB', size) for size in ((120, 60), (60, 200))]
    rounds = [
        {'from': 'human', 'value': '<image>\nWho?'},
        {'from': 'gpt', 'value': 'A man.'},
        {'from': 'human', 'value': '<image>\nAnd here?'},
        {'from': 'gpt', 'value': 'A dog.'},
    ]
    turns = ('user', '{}Who?'), ('assistant', 'A man.'), ('user', '{}And here?'), ('assistant', 'A dog.')
    image = '<|vision_start|><|image_pad|><|vision_end|>'
    text = ''.join(f'<|im_start|>{role}\n{words.format(image)}<|im_end|>\n' for role, words in turns)
    expected = processor(images=images, text=[text], return_tensors='pt')
    found = ChatTokens(processor).inputs(rounds, images)
    assert sorted(found) == sorted([*set(expected) - {'attention_mask'}, 'labels'])
    for name in ('input_ids', 'mm_token_type_ids'):
        assert found[name].tolist() == expected[name][0].tolist(), name
    for name in ('pixel_values', 'image_grid_thw'):
        assert np.array_equal(found[name], expected[name])
    learned = [text for own, text in parts(tokenizer, found['input_ids'].numpy(), found['labels'].numpy()) if own]
    assert learned == ['A man.<|im_end|>', 'A dog.<|im_end|>']
