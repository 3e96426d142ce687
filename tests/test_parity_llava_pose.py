"""LLaVA-Pose and LLaVA against the outputs of the published code, for whatever entries the folder holds."""

import json
import os
import random
import shutil
from dataclasses import replace

import numpy as np
import pytest
from parity_folders import parity_folder
from transformers import AutoTokenizer

from clamp_mmpose.codecs.chat_tokens import ChatTokens
from clamp_mmpose.datasets.instructions.read_facts import read_facts
from clamp_mmpose.language.image_facts import ImageFacts, Instance
from clamp_mmpose.language.keypoint_names import keypoint_names
from clamp_mmpose.language.text_leaks import find_leaks
from clamp_mmpose.llm.judge.published import parse_score, published_request, summarize, summary_text, table_cells
from clamp_mmpose.llm.judge.published_report import increase
from clamp_mmpose.llm.judge.question import LLAVA_TYPES, Context, Question
from clamp_mmpose.llm.judge.rating import parse_ratings
from clamp_mmpose.llm.tasks.build import build_task
from clamp_mmpose.llm.tasks.published import published_messages

FOLDER = parity_folder('llava_pose')
pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir() and os.environ.get('CLAMP_MMPOSE_REQUIRE_SHARED') != '1',
    reason='needs the outputs of the published LLaVA-Pose (set CLAMP_MMPOSE_PARITY to the folder of llava_pose)',
)
CALLS = {'raw_pixels': 'pixels', 'normalised': 'normalized'}  # the end of a run's name, and ours
NAMES = keypoint_names('CocoDataset')


def content(name):
    """A file of the folder; a test without its file is skipped."""
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(f'{path} is absent')
    return json.loads(path.read_text(encoding='utf-8'))


@pytest.fixture(scope='module')
def messages():
    return content('messages.json')


def run_of(messages, name):
    if name not in messages['runs']:
        pytest.skip(f'no run {name}')
    return messages['runs'][name]


def image_facts(messages):
    """The images of COCO's annotations, without crowds and people without keypoints."""
    annotations = messages['annotations']
    images = []
    for image in annotations['images']:
        instances = []
        for annotation in annotations['annotations']:
            points = np.array(annotation['keypoints'], dtype=float).reshape(-1, 3)
            if annotation['image_id'] == image['id'] and not annotation['iscrowd'] and points[:, 2].any():
                left, top, width, height = annotation['bbox']
                box = (left, top, left + width, top + height)
                instances.append(Instance('person', box, points[:, :2], points[:, 2].astype(int)))
        images.append(
            ImageFacts(
                image=image['file_name'],
                image_id=image['id'],
                size=(image['width'], image['height']),
                keypoint_names=NAMES,
                skeleton_links=(),
                flip_indices=range(17),
                instances=instances,
                captions=annotations['captions'].get(str(image['id']), ()),
            )
        )
    return images


def sent(requests):
    return [[dict(message) for message in request.messages] for request in requests]


def published(run):
    return [request['messages'] for request in run['requests']]


@pytest.mark.parametrize('kind', ['conversation', 'detail', 'reasoning'])
def test_messages_from_annotations(messages, kind):
    """Every run on the images: the same requests in the same order, with the same instructions drawn."""
    found = 0
    for name, run in messages['runs'].items():
        numbers = 'normalized' if name == kind else CALLS.get(name.partition(f'{kind}_')[2])
        if numbers:
            found += 1
            task = build_task(kind, published=True, numbers=numbers)
            assert sent(task.requests(image_facts(messages))) == published(run), name
    if not found:
        pytest.skip(f'no run of {kind}')


def test_messages_from_the_inputs_of_the_program(messages):
    """From what the program itself read, whatever keys an entry has."""
    inputs = {
        'detail_raw_pixels': 'by_image_raw_pixels',
        'detail_normalised': 'by_image_normalised',
        'reasoning_raw_pixels': 'by_image_raw_pixels',
        'reasoning_normalised': 'by_image_normalised',
        'reasoning_full_annotation': 'full_annotation',
    }
    instructions = build_task('detail', published=True).loaded_prompt.instructions
    for name in sorted(set(messages['runs']) & set(inputs)):
        kind = name.partition('_')[0]
        draw = random.Random(0)
        expected = published(messages['runs'][name])
        groups = messages['inputs'][inputs[name]].values()
        assert len(groups) == len(expected)
        for entries, request in zip(groups, expected):
            instruction = draw.choice(instructions).format(subjects='people') if kind == 'detail' else None
            assert published_messages(kind, entries, instruction) == request, name


def test_slip_conversation_reads_no_person_keypoints(messages):
    """The input that the program's comment asks for ends it; ours asks about every image."""
    assert "'caption'" in run_of(messages, 'conversation_on_person_keypoints')['printed']
    with pytest.raises(KeyError, match="'caption'"):
        published_messages('conversation', messages['annotations']['annotations'])


def test_slip_reasoning_reads_no_person_keypoints(messages):
    printed = run_of(messages, 'reasoning_on_person_keypoints')['printed']
    with pytest.raises(AttributeError) as caught:
        published_messages('reasoning', ['info', 'description'])
    assert str(caught.value) in printed


def test_slip_detail_pays_for_requests_about_the_keys_of_the_file(messages):
    """One request for each of 'info', 'licenses', ...: all people of all images in the last, none with a caption."""
    run = run_of(messages, 'detail_on_person_keypoints')
    keys = [saved['image_id'] for saved in run['saved']['generated_data_detailed.json']]
    assert keys == ['info', 'licenses', 'categories', 'images', 'annotations'] and len(run['requests']) == len(keys)
    file = dict(
        info=dict(description='', year=2017),
        licenses=[dict(id=1, name='')],
        categories=[dict(id=1, name='person', keypoints=[name.replace(' ', '_') for name in NAMES], skeleton=[])],
        images=messages['annotations']['images'],
    )
    instructions = build_task('detail', published=True).loaded_prompt.instructions
    draw = random.Random(0)
    for key, request in zip(keys, published(run)):
        instruction = draw.choice(instructions).format(subjects='people')
        if key in file:
            assert published_messages('detail', list(file[key]), instruction) == request, key
        else:
            assert request[-1]['content'] == instruction
            assert all(message['content'].startswith('person: ') for message in request[1:-1])


def test_person_keypoints_are_read(messages, tmp_path):
    """Ours takes COCO's file itself and asks one question about each image that has a person with keypoints."""
    annotations = messages['annotations']
    names = [name.replace(' ', '_') for name in NAMES]
    (tmp_path / 'person_keypoints.json').write_text(
        json.dumps(
            dict(
                images=annotations['images'],
                annotations=annotations['annotations'],
                categories=[dict(id=1, name='person', keypoints=names, skeleton=[])],
            )
        )
    )
    captions = [
        dict(image_id=int(image), id=i, caption=caption)
        for image, texts in annotations['captions'].items()
        for i, caption in enumerate(texts)
    ]
    (tmp_path / 'captions.json').write_text(json.dumps(dict(images=annotations['images'], annotations=captions)))
    dataset = dict(type='CocoDataset', data_root=str(tmp_path), ann_file='person_keypoints.json')
    read = read_facts(dataset, captions=str(tmp_path / 'captions.json'))
    people = [a for a in annotations['annotations'] if any(a['keypoints'][2::3]) and not a['iscrowd']]
    assert [facts.image_id for facts in read.images] == [
        image['id'] for image in annotations['images'] if any(person['image_id'] == image['id'] for person in people)
    ]
    assert sum(len(facts.instances) for facts in read.images) == len(people)
    expected = [facts for facts in image_facts(messages) if facts.instances]
    for kind in ('conversation', 'detail', 'reasoning'):
        for options in ({}, dict(published=True), dict(published=True, numbers='pixels')):
            task = build_task(kind, **options)
            assert sent(task.requests(read.images)) == sent(task.requests(expected)), (kind, options)


def test_saved_answers_are_parsed(messages):
    """What the program saved as text becomes a question and an answer."""
    checked = 0
    for run in messages['runs'].values():
        for saved in run['saved'].values():
            for entry in saved:
                text = entry.get('conversation', entry.get('completion'))
                if not text.startswith('Question: '):
                    continue
                rounds = build_task('conversation').parse(None, text)
                question, _, answer = text.partition('\nAnswer: ')
                assert rounds == [(question[len('Question: ') :], answer)]
                checked += 1
    if not checked:
        pytest.skip('no answers are saved')


def test_released_records():
    """Ours have the same form, and the filter finds the leaks of the released ones."""
    task = build_task('conversation', published=True)
    for sample in content('released_records.json').values():
        for record, leak in zip(sample['records'], sample['leak']):
            kinds = {found.kind for turn in record['conversations'] for found in find_leaks(turn['value'])}
            assert bool(kinds & {'keypoint', 'coordinate', 'bounding box', 'caption'}) == leak
            assert sorted(record) == sample['keys'] and len(record['conversations']) in sample['turns']
            question, answer = (turn['value'] for turn in record['conversations'])
            assert question.startswith('<image>\n')
            rounds = [(question[len('<image>\n') :], answer)]
            assert bool(task.leaks(rounds)) >= leak


# --- the judge ---


@pytest.fixture(scope='module')
def judged():
    return content('judge.json')


def test_messages_to_the_judge(judged):
    given = judged['example_context']
    boxes = tuple(f'{item["category"]}: {item["bbox"]}' for item in given['instances'])
    for kind, text in judged['user_message'].items():
        asked = Question(
            'q', 'a.jpg', LLAVA_TYPES.get(kind, kind), text_between(text, '[Question]\n', '\n\n['), Context()
        )
        asked = replace(asked, context=Context(tuple(given['captions']), boxes))
        first, second = (text_between(text, f'[Assistant {i}]\n', '\n\n[End') for i in (1, 2))
        request = published_request('q', asked, first, second)
        assert [message['role'] for message in request.messages] == ['system', 'user']
        assert [message['content'] for message in request.messages] == [judged['system'], text]
        assert request.settings == dict(temperature=judged['temperature'], max_tokens=judged['max_tokens'])


def text_between(text, start, end):
    return text.split(start)[1].split(end)[0]


def test_scores_of_the_judge(judged):
    for entry in judged['parse_score']:
        assert parse_score(entry['review']) == pytest.approx(entry['scores'], abs=0, nan_ok=True), entry['review']
    # LLaVA's reader takes these; the strict one refuses all that are no scores
    assert parse_score('nan 3') == pytest.approx((np.nan, 3), nan_ok=True) and parse_score('11 -2') == (11, -2)
    assert parse_score('8,9\nx') == (8, 9) and parse_score('8 9 ') == (-1, -1)


def test_summary_of_the_judge(judged):
    reviews = [(review['category'], tuple(review['tuple'])) for review in judged['summary_input']]
    printed = judged['summary_printed']
    assert summary_text(printed.split('\n')[0], summarize(reviews)) == printed


def test_strict_scores_are_a_part_of_the_published_ones(judged):
    for entry in judged['parse_score']:
        try:
            strict = tuple(rating.score for rating in parse_ratings(entry['review']))
        except ValueError:
            continue
        published = tuple(entry['scores'])
        assert strict == published or published == (-1, -1)
        assert all(1 <= score <= 10 for score in strict)


# sums of the scores of 30 questions (LLaVA-7B: of 120, in four pairings) for each type, from the printed means
TABLE_3 = {
    'Full data': ((131, 201, 200), 30, (43.67, 67.00, 66.67, 59.11)),
    'Conv': ((135, 97, 116), 30, (45.00, 32.33, 38.67, 38.67)),
    'Detail': ((181, 185, 194), 30, (60.33, 61.67, 64.67, 62.22)),
    'Complex': ((144, 167, 243), 30, (48.00, 55.67, 81.00, 61.56)),
    'LLaVA-7B': ((429, 462, 865), 120, (35.75, 38.50, 72.08, 48.78)),
}


def spread(total, count):
    """Whole scores with this sum."""
    return [total // count + (i < total % count) for i in range(count)]


@pytest.mark.parametrize('row', TABLE_3)
def test_table_3(row):
    sums, count, printed = TABLE_3[row]
    kinds = ('conv', 'detail', 'complex')
    cells = table_cells([(kind, score) for kind, total in zip(kinds, sums) for score in spread(total, count)])
    assert tuple(round(cells[kind], 2) for kind in (*kinds, 'all')) == printed
    for total, cell in zip(sums, printed):  # no other sum of whole scores rounds to the printed cell
        assert [s for s in range(total - 9, total + 10) if round(10 * s / count, 2) == cell] == [total]


def test_increase_of_the_paper():
    full, base = (
        table_cells(list(zip('abc', (s / n for s in sums))))
        for sums, n, _ in map(TABLE_3.get, ('Full data', 'LLaVA-7B'))
    )
    assert round(increase(base['all'], full['all']), 2) == 21.18
    assert round(increase(48.78, 59.11), 2) == 21.18


def test_what_does_not_fit_in_table_3():
    """The means of LLaVA-7B are of no 30 scores in halves, and the text calls three models one."""
    printed = TABLE_3['LLaVA-7B'][2]
    possible = {round(10 * s / 2 / 30, 2) for s in range(60, 601)}
    assert [cell in possible for cell in printed[:3]] == [False, True, False]
    for column in range(3):  # 45.00, 61.67 and 81.00 in section 5.3 are of three models, none of them the full one
        assert TABLE_3[['Conv', 'Detail', 'Complex'][column]][2][column] != TABLE_3['Full data'][2][column]
    assert TABLE_3['Full data'][2][2] < printed[2]  # in complex reasoning, full data lowers the score


# --- which tokens of a record are learned ---


@pytest.fixture(scope='module', params=[True, False], ids=['fast', 'slow'])
def vicuna(request, tmp_path_factory):
    """LLaVA's own form with the fixture's tokenizer, to which the image's token is added."""
    model = parity_folder('chatpose_tiny') / 'tokenizer.model'
    if not model.is_file():
        pytest.skip(f'there is no {model}')
    folder = tmp_path_factory.mktemp('tokenizer')
    shutil.copy(model, folder / 'tokenizer.model')
    names = dict(bos_token='<s>', eos_token='</s>', unk_token='<unk>', pad_token='<unk>')  # as LLaVA pads
    config = dict(tokenizer_class='LlamaTokenizer', legacy=True, model_max_length=2048, **names)
    (folder / 'tokenizer_config.json').write_text(json.dumps(config))
    tokenizer = AutoTokenizer.from_pretrained(str(folder), use_fast=request.param)
    tokenizer.add_tokens(['<image>'], special_tokens=True)
    return ChatTokens(tokenizer, 'vicuna_v1')


def test_labels_of_records(vicuna):
    """All tokens and labels; where LLaVA loses count and learns nothing, ours are an error or whole answers."""
    for entry in content('records_to_labels.json'):
        record, name = entry['record'], (entry['record']['id'], entry['variant'])
        images = [(336, 336)] * entry['input_ids'].count(-200)
        if set(entry['labels']) == {-100}:
            assert 'mismatch' in entry['printed'], name
            try:
                ids, labels = vicuna.encode(record['conversations'], images, record['id'])
            except ValueError as error:
                assert f'record {record["id"]!r}' in str(error)
            else:
                answers = [turn['value'] for turn in record['conversations'] if turn['from'] == 'gpt']
                assert answers[-1] in vicuna.tokenizer.decode(labels[labels != -100])
            continue
        ids, labels = vicuna.encode(record['conversations'], images, record['id'])
        assert np.where(ids == vicuna.image_id, -200, ids).tolist() == entry['input_ids'], name
        assert labels.tolist() == entry['labels'], name
        decoded = vicuna.tokenizer.decode(labels[labels != -100])
        assert decoded.replace(' ', '') == entry['decoded_target'].replace(' ', ''), name


@pytest.mark.parametrize(
    ('answer', 'learned'),
    [
        ('It says USER: hi ASSISTANT: hello', True),  # LLaVA's rounds have one ' ASSISTANT: '
        ('It ends.</s> Or not.', False),  # and end at '</s>'
        ('An <unk> piece.', False),  # which is also LLaVA's padding, and is not counted
        ('', False),
    ],
)
def test_slip_records_that_llava_does_not_learn(vicuna, answer, learned):
    """LLaVA's preprocess prints a warning for these and ignores all their labels."""
    conversations = [{'from': 'human', 'value': 'What is it?'}, {'from': 'gpt', 'value': answer}]
    if not learned:
        with pytest.raises(ValueError, match=r"record '7': .*(special token|no text)"):
            vicuna.encode(conversations, record_id='7')
        return
    labels = vicuna.encode(conversations)[1]
    assert vicuna.tokenizer.decode(labels[labels != -100]).strip() == f'{answer}</s>'


def test_slip_an_image_without_a_tag_is_read(vicuna):
    """LLaVA loads it and does not show it to the model."""
    conversations = [{'from': 'human', 'value': 'What is it?'}, {'from': 'gpt', 'value': 'A person.'}]
    ids, labels = vicuna.encode(conversations, [(336, 336)])
    tagged = [{'from': 'human', 'value': 'What is it?\n<image>'}, conversations[1]]
    expected = vicuna.encode(tagged, [(336, 336)])
    assert np.array_equal(ids, expected[0]) and np.array_equal(labels, expected[1])
    assert (ids == vicuna.image_id).sum() == 1
