"""LLaVA-Pose's three types of text: what a language model is asked, and the records that its answers become."""

import json
from dataclasses import replace

import numpy as np
import pytest

from clamp_mmpose.language.image_facts import ImageFacts, Instance, SceneObject
from clamp_mmpose.language.keypoint_names import keypoint_names
from clamp_mmpose.language.text_leaks import find_leaks
from clamp_mmpose.llm.prompts import FOLDER
from clamp_mmpose.llm.tasks.build import build_task
from clamp_mmpose.llm.tasks.context import context_text, restrict
from clamp_mmpose.llm.tasks.examples import examples
from clamp_mmpose.llm.tasks.parsing import parse_description, parse_rounds
from clamp_mmpose.llm.tasks.records import write_records
from clamp_mmpose.llm.tasks.task import LeakError, Made, unique_ids

KINDS = ('conversation', 'detail', 'reasoning')
FACTS = ImageFacts(
    image='val2017/000000000785.jpg',
    image_id=785,
    size=(640, 400),
    keypoint_names=('nose', 'left wrist', 'right wrist'),
    skeleton_links=(),
    flip_indices=(0, 2, 1),
    instances=(
        Instance(
            category='person',
            bbox=(268.16, 9.2, 538.88, 394.8),
            keypoints=np.array([[306.56, 156.4], [320.0, 200.0], [17.0, 18.0]]),
            visibility=np.array([2, 1, 0]),
        ),
    ),
    captions=('A person on skis.', 'A skier in the snow.'),
    objects=(SceneObject('skis', (300.16, 204.4, 328.32, 212.8)),),
)
PERSON = 'person: [0.419, 0.023, 0.842, 0.987]'
KEYPOINTS = ', keypoints: [0.479, 0.391, 2, 0.5, 0.5, 1, 0.0, 0.0, 0]'
SKIS = 'skis: [0.469, 0.511, 0.513, 0.532]'
CAPTIONS = 'A person on skis.\nA skier in the snow.'


def contents(task, facts=FACTS):
    return [(message['role'], message['content']) for message in task.request(facts).messages]


def test_context_is_that_of_table_1():
    assert context_text(FACTS) == f'{CAPTIONS}\n\n{PERSON}{KEYPOINTS}\n{SKIS}'
    assert context_text(restrict(FACTS, 'boxes')) == f'{CAPTIONS}\n\n{PERSON}\n{SKIS}'
    assert context_text(restrict(FACTS, 'captions')) == CAPTIONS
    assert context_text(replace(FACTS, captions=(), objects=())) == PERSON + KEYPOINTS
    skiing = restrict(replace(FACTS, captions=(), activity='winter sports: skiing'), 'captions')
    assert context_text(skiing) == 'activity: winter sports: skiing'
    assert context_text(replace(skiing, captions=('A.',), instances=FACTS.instances)) == (
        f'A.\n\nactivity: winter sports: skiing\n\n{PERSON}{KEYPOINTS}'
    )


def test_pose_facts_follow_the_context():
    """COCO's person with the right arm raised above the head."""
    waving = examples(FOLDER / 'examples.yml', 'detail', keypoint_names('CocoDataset'))[0].facts
    blocks = context_text(waving, pose_facts=True).split('\n\n')
    assert blocks[:2] == context_text(waving).split('\n\n') and len(blocks) == 3
    assert 'right arm is raised' in blocks[2]


def test_conversation_request():
    request = build_task('conversation', few_shot=0).request(FACTS)
    assert request.id == 'conversation/785' and request.prompt == 'conversation/1' and request.settings == {}
    (system, question) = request.messages
    assert (system['role'], question['role']) == ('system', 'user')
    assert question['content'] == f'{context_text(FACTS)}\n\nWrite the conversation about this image.'
    assert 'You are given two sentences about the image.\n' in system['content']
    assert 'Their order is:\n1. nose\n2. left wrist\n3. right wrist\n\nWrite this' in system['content']
    assert 'movements of the people in it' in system['content'] and '{' not in system['content']


def test_published_conversations_gave_captions_only():
    task = build_task('conversation', few_shot=0, context='captions')
    system, question = (message['content'] for message in task.request(FACTS).messages)
    assert question == f'{CAPTIONS}\n\nWrite the conversation about this image.'
    assert 'x1' not in system and 'left wrist' not in system
    assert task.request(FACTS).facts.instances == ()  # those who write by rules see no more
    assert task.unusable(FACTS) is None
    assert task.unusable(replace(FACTS, captions=())) == 'images without captions'
    assert task.unusable(replace(FACTS, captions=(), activity='skiing')) is None
    assert build_task('conversation').unusable(replace(FACTS, captions=())) is None


def test_what_is_not_given_is_not_spoken_of():
    system = contents(build_task('detail', few_shot=0), replace(FACTS, captions=()))[0][1]
    assert 'sentences about the image' not in system and 'bounding boxes as' in system
    system = contents(build_task('detail', few_shot=0, context='boxes'))[0][1]
    assert 'bounding boxes as' in system and 'left wrist' not in system
    assert 'derived from' not in system
    system = contents(build_task('detail', few_shot=0, pose_facts=True))[0][1]
    assert 'statements about the poses that were derived from the keypoints' in system
    one, many = (replace(FACTS, captions=('A.',) * number) for number in (1, 12))
    assert 'You are given one sentence about' in contents(build_task('detail'), one)[0][1]
    assert 'You are given 12 sentences about' in contents(build_task('detail'), many)[0][1]


def test_subjects():
    dog = replace(FACTS, instances=(replace(FACTS.instances[0], category='dog'),))
    assert 'poses and actions of objects in images' in contents(build_task('reasoning'), dog)[0][1]
    system = contents(build_task('reasoning', subjects='animals'), dog)[0][1]
    assert 'poses and actions of animals in images' in system and 'people' not in system


def test_reasoning_quotes_table_5():
    system = contents(build_task('reasoning', few_shot=0))[0][1]
    for sentence in (
        'You receive two sentences, describing the image you are observing.',
        'Create complex questions beyond describing the scene.',
        '**Do not include any coordinates or numerical values in your explanation**.',
    ):
        assert sentence in system
    assert contents(build_task('reasoning'))[-1][1].endswith('\n\nWrite the question and the answer about this image.')


def test_instructions_of_table_4():
    """Each of the 16 is drawn; which one depends on the image and the seed, not on the other images."""
    task = build_task('detail', few_shot=0)
    instructions = [text.format(subjects='people') for text in task.loaded_prompt.instructions]
    assert len(set(instructions)) == 16
    assert instructions[0] == 'Describe the actions and poses of people in the following image in detail.'
    assert (
        instructions[15]
        == 'Carefully observe the people in the image and share the details of their poses and actions.'
    )
    images = [replace(FACTS, image_id=number) for number in range(400)]
    drawn = [request.messages[-1]['content'].rpartition('\n\n')[2] for request in task.requests(images)]
    assert set(drawn) == set(instructions)
    assert max(map(drawn.count, instructions)) < 50  # 25 expected, standard deviation 5
    assert [request.messages for request in task.requests(images[7:9])] == [
        request.messages for request in task.requests(images)[7:9]
    ]
    other = [request.messages[-1]['content'] for request in build_task('detail', seed=1, few_shot=0).requests(images)]
    assert other != drawn
    animals = build_task('detail', subjects='animals').request(FACTS).messages[-1]['content']
    assert ' animals in ' in animals.rpartition('\n\n')[2]


@pytest.mark.parametrize('kind', KINDS)
def test_examples(kind):
    """Those with the data set's keypoints, in its order, in the form of the request."""
    for dataset, number in (('CocoDataset', 2), ('MpiiDataset', 2), ('AP10KDataset', 1), ('AnimalPoseDataset', 0)):
        facts = replace(FACTS, keypoint_names=keypoint_names(dataset), instances=())
        roles = [role for role, _ in contents(build_task(kind), facts)]
        assert roles == ['system', *['user', 'assistant'] * number, 'user'], dataset
    facts = replace(FACTS, keypoint_names=('head top', 'nose'), instances=())
    shown = contents(build_task(kind, few_shot=1), facts)[1][1]
    assert 'person: [0.38, 0.08, 0.62, 0.97], keypoints: [0.5, 0.13, 2, 0.5, 0.2, 2]\nbench: [0.1, 0.6, ' in shown
    assert len(contents(build_task(kind, few_shot=1), facts)) == 4
    for dataset in ('CocoDataset', 'AP10KDataset'):
        for example in examples(FOLDER / 'examples.yml', kind, keypoint_names(dataset)):
            assert find_leaks(example.answer) == []
            assert (
                parse_description(example.answer)
                if kind == 'detail'
                else parse_rounds(example.answer, kind != KINDS[0])
            )


def own_prompt(folder, examples_text):
    """A copy of the prompt, with another version, and examples beside it."""
    folder.mkdir()
    text = (FOLDER / 'detail.yml').read_text(encoding='utf-8')
    (folder / 'own.yml').write_text(text.replace('version: 1', 'version: 7b'), encoding='utf-8')
    (folder / 'examples.yml').write_text(examples_text, encoding='utf-8')
    return build_task('detail', prompt=str(folder / 'own.yml'), few_shot=1)


def test_own_prompt_and_examples(tmp_path):
    task = own_prompt(tmp_path / 'own', (FOLDER / 'examples.yml').read_text(encoding='utf-8'))
    assert task.request(FACTS).prompt == 'detail/7b'
    assert task.request(FACTS).messages == build_task('detail', few_shot=1).request(FACTS).messages


EXAMPLE = """\
- captions: [A.]
  instances:
  - category: a
    bbox: [0, 0, 1, 1]
    keypoints: {nose: [0, 0, 2], left wrist: [0, 0, 2], right wrist: [0, 0, 2]}
  objects: []
  detail: B.
"""


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        (EXAMPLE, 'a: 1', "examples.yml must be a list, got {'a': 1}"),
        ('objects', 'things', "KeyError: 'objects'"),
        ('detail: B.', 'conversation: B.', "KeyError: 'detail'"),
        ('[A.]', '[1]', 'expected a text, got 1'),
        ('[0, 0, 1, 1]', '[0, 0, 1]', r'a box has four numbers, got \[0, 0, 1\]'),
        ('[0, 0, 1, 1]', f'[0, 0, 1, 1{"0" * 400}]', 'example 1 of .* int too large'),
        ('nose: [0, 0, 2]', 'nose: [0, 0]', 'example 1 of .* cannot be read'),
        ('category: a', 'category: ""', "expected a text, got ''"),
    ],
)
def test_wrong_examples(tmp_path, old, new, message):
    assert len(own_prompt(tmp_path / 'good', EXAMPLE).request(FACTS).messages) == 4
    with pytest.raises(ValueError, match=message):
        own_prompt(tmp_path / 'bad', EXAMPLE.replace(old, new)).request(FACTS)


ANSWER = 'Question: What is he doing?\nAnswer: He skis.\nQuestion: Where?\nAnswer: On a hill.'


def test_answers_become_records(tmp_path):
    tasks = {kind: build_task(kind, few_shot=0, image_folder='coco/') for kind in KINDS}
    instruction = tasks['detail'].request(FACTS).messages[-1]['content'].rpartition('\n')[2]
    assert instruction.endswith('.')
    for kind, text, turns in (
        ('conversation', ANSWER, ['<image>\nWhat is he doing?', 'He skis.', 'Where?', 'On a hill.']),
        ('detail', 'He skis.\n', [f'<image>\n{instruction}', 'He skis.']),
        ('reasoning', ANSWER.partition('\nQuestion')[0], ['<image>\nWhat is he doing?', 'He skis.']),
    ):
        request = tasks[kind].request(FACTS)
        value = tasks[kind].parse(request, text)
        expected = [{'from': 'human' if i % 2 == 0 else 'gpt', 'value': value} for i, value in enumerate(turns)]
        record = {'id': '785', 'image': 'coco/val2017/000000000785.jpg', 'conversations': expected}
        for suffix in ('.json', '.jsonl'):
            path = tmp_path / f'{kind}{suffix}'
            tasks[kind].write(path, [Made(request, value, {})] * 2)
            text_of_file = path.read_text(encoding='utf-8')
            read = json.loads(text_of_file) if suffix == '.json' else [*map(json.loads, text_of_file.splitlines())]
            assert read == [record, record]
    with pytest.raises(ValueError, match='2 questions, expected one'):
        tasks['reasoning'].parse(request, ANSWER)


def test_published_records_have_one_round_each(tmp_path):
    task = build_task('conversation', published=True)
    request = replace(task.request(replace(FACTS, keypoint_names=keypoint_names('CocoDataset'), instances=())))
    task.write(tmp_path / 'a.json', [Made(request, task.parse(request, ANSWER), {})])
    records = json.loads((tmp_path / 'a.json').read_text())
    assert [[turn['value'] for turn in record['conversations']] for record in records] == [
        ['<image>\nWhat is he doing?', 'He skis.'],
        ['<image>\nWhere?', 'On a hill.'],
    ]
    assert [record['id'] for record in records] == ['785', '785']


def test_leaks():
    leaking = 'Question: Which keypoints are visible?\nAnswer: All.'
    for kind, text in (('conversation', leaking), ('reasoning', leaking), ('detail', 'The nose is at [0.1, 0.2].')):
        request = build_task(kind).request(FACTS)
        with pytest.raises(LeakError, match='it speaks of the annotations'):
            build_task(kind).parse(request, text)
        for on_leak in ('keep', 'reject'):
            task = build_task(kind, on_leak=on_leak)
            assert task.leaks(task.parse(request, text)) != []
    # instructions are not the model's
    task = build_task('detail')
    assert task.leaks([('Describe the keypoints.', 'He skis.')]) == []


def test_files_for_huggingface_datasets(tmp_path, monkeypatch):
    """The reader of TRL and LLaMA-Factory."""
    for name in ('HF_DATASETS_OFFLINE', 'HF_HUB_OFFLINE'):
        monkeypatch.setenv(name, '1')
    datasets = pytest.importorskip('datasets')
    task = build_task('conversation')
    request = task.request(FACTS)
    made = [Made(request, task.parse(request, ANSWER), {})] * 3
    for suffix in ('.jsonl', '.json'):
        task.write(tmp_path / f'a{suffix}', made)
        read = datasets.load_dataset(
            'json', data_files=str(tmp_path / f'a{suffix}'), split='train', cache_dir=str(tmp_path / suffix)
        )
        assert len(read) == 3 and read.column_names == ['id', 'image', 'conversations']
        assert read[1]['conversations'][0] == {'from': 'human', 'value': '<image>\nWhat is he doing?'}


def test_files(tmp_path):
    task = build_task('detail')
    with pytest.raises(ValueError, match=r'a.csv: expected a file that ends with .json or .jsonl'):
        task.check_path(tmp_path / 'a.csv')
    with pytest.raises(IsADirectoryError):
        (tmp_path / 'a.json').mkdir()
        task.check_path(tmp_path / 'a.json')
    write_records(tmp_path / 'b.jsonl', [{'a': 'é\u2028'}])
    assert (tmp_path / 'b.jsonl').read_bytes() == '{"a": "é\u2028"}\n'.encode()
    write_records(tmp_path / 'b.jsonl', [{'a': 'b\ud800'}])
    assert (tmp_path / 'b.jsonl').read_bytes() == b'{"a": "b?"}\n'


def test_ids_differ():
    requests = build_task('detail').requests([FACTS, FACTS, replace(FACTS, image_id=1)])
    assert [request.id for request in unique_ids(requests)] == ['detail/785', 'detail/785#2', 'detail/1']


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(keypoints=True), 'the task detail has no option keypoints; expected prompt, context, pose_facts'),
        (dict(context='all'), "context='all', expected one of 'captions', 'boxes', 'keypoints'"),
        (dict(on_leak='drop'), "on_leak='drop', expected one of 'again', 'reject', 'keep'"),
        (dict(few_shot=-1), 'few_shot=-1, expected a number of examples'),
        (dict(few_shot='all'), "few_shot='all', expected a number of examples"),
        (dict(pose_facts=True, context='boxes'), 'pose_facts=True needs context="keypoints"'),
        (dict(published=True, few_shot=1), 'few_shot does not apply with published=True'),
        (dict(numbers='pixels'), 'numbers="pixels" needs published=True'),
        (dict(prompt='reasoning'), 'reasoning.yml has the unknown keys request'),
        (dict(prompt='nowhere'), "prompt='nowhere', expected one of "),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ValueError, match=message.replace('(', r'\(')):
        build_task('detail', **options)


def test_wrong_prompts(tmp_path):
    text = (FOLDER / 'detail.yml').read_text(encoding='utf-8')
    for old, new, message in (
        ('instructions:  # Table 4', 'instructions: []\nsource:', 'occurs twice'),
        (text[text.index('instructions:') :], '', 'own.yml has no instructions: add a list'),
        (
            '- Describe the actions',
            '- |-\n  Go\n  on.\n- Describe the actions',
            'own.yml: an instruction must be one line',
        ),
        ('{captions}', '{caption}', 'captions has the placeholder {caption}, expected inputs, captions, keypoints'),
    ):
        (tmp_path / 'own.yml').write_text(text.replace(old, new), encoding='utf-8')
        with pytest.raises(ValueError, match=message):
            build_task('detail', prompt=str(tmp_path / 'own.yml'))


def test_wrong_tasks():
    with pytest.raises(ValueError, match="task='details', expected one of 'conversation', 'detail', 'reasoning'"):
        build_task('details')
    with pytest.raises(ValueError, match='published=True speaks of the 17 keypoints of COCO; val2017'):
        build_task('detail', published=True).request(FACTS)
