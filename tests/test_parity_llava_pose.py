"""LLaVA-Pose and LLaVA against the outputs of the published code, for whatever entries the folder holds."""

import json
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
from parity_folders import parity_folder
from transformers import AutoTokenizer

from clamp_mmpose.codecs.chat_tokens import ChatTokens
from clamp_mmpose.llm.judge.published import parse_score, published_request, summarize, summary_text, table_cells
from clamp_mmpose.llm.judge.published_report import increase
from clamp_mmpose.llm.judge.question import LLAVA_TYPES, Context, Question
from clamp_mmpose.llm.judge.rating import parse_ratings

FOLDER = parity_folder('llava_pose')
pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir() and os.environ.get('CLAMP_MMPOSE_REQUIRE_SHARED') != '1',
    reason='needs the outputs of the published LLaVA-Pose (set CLAMP_MMPOSE_PARITY to the folder of llava_pose)',
)


def content(name):
    """A file of the folder; the test is skipped if it is absent."""
    if not (FOLDER / name).is_file():
        pytest.skip(f'{FOLDER} has no {name}')
    return json.loads((FOLDER / name).read_text(encoding='utf-8'))


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
