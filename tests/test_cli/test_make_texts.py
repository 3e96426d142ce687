"""The command that writes texts, against a server that replays answers."""

import json

import pytest
from replay_server import Answer, completion, replay

from clamp_mmpose.cli.make_texts import main

CAPTIONS = ('A first scene.', 'A second scene.', 'A third scene.', 'A fourth scene.')
GOOD = 'Question: What is shown?\nAnswer: {0}.\nQuestion: Who?\nAnswer: Somebody.'
CONFIG = """
facts = dict(
    dataset=dict(type='CocoDataset', data_root='{folder}', ann_file='people.json'), captions='{folder}/captions.json'
)
llm = dict(type='openai', model='tiny', base_url='{url}', max_tokens=50, concurrency=1, max_retries=0, timeout=20)
tasks = dict(conversation=dict(few_shot=0), detail=dict(few_shot=0, on_leak='reject'))
"""


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    """Images 1 to 3 with a person each; 4 with a crowd only; 2 also has a person without keypoints."""
    folder = tmp_path_factory.mktemp('coco')

    def person(number, image, visibility=2, crowd=0):
        keypoints = [30, 40, visibility] * 17
        return dict(
            id=number,
            image_id=image,
            category_id=1,
            bbox=[10, 20, 40, 60],
            area=2400,
            iscrowd=crowd,
            keypoints=keypoints,
            num_keypoints=17 * (visibility > 0),
        )

    images = [dict(id=i, file_name=f'{i}.jpg', width=100, height=100) for i in (1, 2, 3, 4)]
    people = [person(1, 1), person(2, 2), person(3, 2, 0), person(4, 3), person(5, 4, 2, 1)]
    categories = [dict(id=1, name='person', keypoints=[str(i) for i in range(17)], skeleton=[])]
    (folder / 'people.json').write_text(json.dumps(dict(images=images, annotations=people, categories=categories)))
    captions = [dict(id=i, image_id=i, caption=caption) for i, caption in enumerate(CAPTIONS, 1)]
    (folder / 'captions.json').write_text(json.dumps(dict(images=images, annotations=captions)))
    return folder


@pytest.fixture
def run(data, tmp_path, capsys):
    """Runs the command and returns its exit code and output."""

    def run(server, task='conversation', *arguments, out='texts.json'):
        config = tmp_path / 'config.py'
        url = server if isinstance(server, str) else server.url
        text = CONFIG.format(folder=data, url=url)
        if server == 'template':
            text += "llm = dict(type='template')"
        config.write_text(text, encoding='utf-8')
        code = main([task, str(config), '--out', str(tmp_path / out), *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def image_of(body):
    text = body['messages'][-1]['content']
    return str([caption in text for caption in CAPTIONS].index(True) + 1)


def echo(body):
    return Answer(completion(GOOD.format(image_of(body))))


def records(tmp_path):
    return json.loads((tmp_path / 'texts.json').read_text(encoding='utf-8'))


def test_texts_with_provenance_and_journal(run, tmp_path):
    with replay(echo) as server:
        code, output, _ = run(server)
        assert code == 0 and len(server.bodies) == 3
        assert server.bodies[0]['messages'][-1]['content'].startswith(
            'A first scene.\n\nperson: [0.1, 0.2, 0.5, 0.8], keypoints: [0.3, 0.4, 2, 0.3, 0.4, 2, '
        )
        written = (tmp_path / 'texts.json').read_bytes()
        # a second run pays for nothing and writes the same
        assert run(server)[0] == 0 and len(server.bodies) == 3
        assert (tmp_path / 'texts.json').read_bytes() == written
    assert records(tmp_path)[1] == {
        'id': '2',
        'image': '2.jpg',
        'conversations': [
            {'from': 'human', 'value': '<image>\nWhat is shown?'},
            {'from': 'gpt', 'value': '2.'},
            {'from': 'human', 'value': 'Who?'},
            {'from': 'gpt', 'value': 'Somebody.'},
        ],
    }
    lines = (tmp_path / 'texts.json.provenance.jsonl').read_text().splitlines()
    provenance = [json.loads(line) for line in lines]
    assert [line['id'] for line in provenance] == ['conversation/1', 'conversation/2', 'conversation/3']
    assert provenance[0]['prompt'] == 'conversation/1' and provenance[0]['model'] == 'tiny-2026-01-01'
    assert provenance[0]['attempts'] == 1 and provenance[0]['settings']['max_tokens'] == 50
    assert len((tmp_path / 'texts.json.journal.jsonl').read_text().splitlines()) == 3
    first, *_, last = output.strip().splitlines()
    assert first.startswith('3 images; left out: ') and '1 instances without keypoints' in first and 'crowds' in first
    assert last == f'wrote 3 texts to {tmp_path / "texts.json"}'
    assert 'answers that cannot be read: 0; that speak of the annotations: 0' in output


def test_leaks_and_what_cannot_be_read_are_asked_again_and_counted(run, tmp_path):
    answers = [GOOD.format('The keypoints'), 'Nothing.', GOOD.format('A man'), GOOD.format('B'), GOOD.format('C')]
    with replay([Answer(completion(text)) for text in answers]) as server:
        code, output, _ = run(server)
        assert code == 0 and len(server.bodies) == 5
        # the answers of the journal are counted again
        assert run(server)[1].splitlines()[-2:] == output.splitlines()[-2:]
    assert 'answers that cannot be read: 1; that speak of the annotations: 1' in output
    assert records(tmp_path)[0]['conversations'][1]['value'] == 'A man.'
    (first, *_) = (tmp_path / 'texts.json.provenance.jsonl').read_text().splitlines()
    assert json.loads(first)['attempts'] == 3


def test_rejected_leaks(run, tmp_path):
    def answer(body):
        return Answer(completion('He stands at [0.1, 0.2].' if image_of(body) == '2' else 'He stands.'))

    with replay(answer) as server:
        code, output, _ = run(server, 'detail')
        assert code == 0 and len(server.bodies) == 3
    assert [record['id'] for record in records(tmp_path)] == ['1', '3']
    assert 'that speak of the annotations: 1' in output
    assert "failed: detail/2: leak: list of numbers: '[0.1, 0.2]'" in output
    assert output.endswith(f'wrote 2 texts to {tmp_path / "texts.json"}\n')


def test_failures_lose_nothing_and_the_next_run_asks_only_what_is_missing(run, tmp_path):
    def broken(body):
        return Answer('down', status=500) if image_of(body) == '2' else echo(body)

    with replay(broken) as server:
        code, output, _ = run(server, 'conversation', '--retries', '0')
    assert code == 0 and [record['id'] for record in records(tmp_path)] == ['1', '3']
    assert 'failed: conversation/2: error: ' in output
    with replay(echo) as server:
        assert run(server)[0] == 0
        assert [image_of(body) for body in server.bodies] == ['2']
    assert [record['id'] for record in records(tmp_path)] == ['1', '2', '3']


def test_nothing_written(run, tmp_path):
    with replay([Answer(completion('Nothing.'))]) as server:
        code, output, _ = run(server, 'conversation', '--limit', '1')
        assert len(server.bodies) == 3
    assert code == 1 and output.splitlines()[0].startswith('1 images')
    assert "failed: conversation/1: unparsable: no question and answer in 'Nothing.'" in output
    assert not (tmp_path / 'texts.json').exists() and (tmp_path / 'texts.json.journal.jsonl').exists()


def test_dry_run(run, tmp_path):
    code, output, _ = run('http://127.0.0.1:9', 'detail', '--dry-run', '--price-in', '2.5', '--price-out', '10')
    assert code == 0 and 'A first scene.' in output and '3 requests, 3 to ask' in output and 'cost: at most ' in output
    assert sorted(path.name for path in tmp_path.iterdir()) == ['config.py']


@pytest.mark.parametrize('task', ['conversation', 'detail', 'reasoning'])
def test_written_by_rules(run, tmp_path, task):
    """Without a server; each text can be read and does not leak."""
    for context in ('keypoints', 'boxes', 'captions'):
        options = f'tasks.{task}.context={context}'
        code, output, _ = run('template', task, '--cfg-options', options, f'tasks.{task}.on_leak=again')
        assert code == 0 and 'failed' not in output and 'read: 0; that speak of the annotations: 0' in output
        assert len(records(tmp_path)) == 3


def test_budget(run, tmp_path):
    """An answer of 50 tokens would cost 0.05, and one of 4 tokens cost 0.004: the third does not fit."""
    with replay(echo) as server:
        code, output, _ = run(server, 'conversation', '--budget', '0.055', '--price-in', '0', '--price-out', '1000')
        assert code == 0 and len(server.bodies) == 2
    assert 'the next request may exceed the budget of 0.055' in output
    assert [record['id'] for record in records(tmp_path)] == ['1', '2']


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['poem'], "error: task='poem', expected one of 'conversation', 'detail', 'reasoning'"),
        (
            ['person_descriptions'],
            'error: the task person_descriptions needs images: set tasks.person_descriptions.images',
        ),
        (['detail', '--cfg-options', 'tasks.detail.tone=1'], 'error: the task detail has no option tone; expected '),
        (['detail', '--cfg-options', 'tasks.poem.tone=1'], "error: a name in tasks='poem', expected one of "),
        (['detail', '--cfg-options', 'tasks.detail=1'], 'error: config '),
        (['detail', '--cfg-options', 'llm.type=oracle'], "error: llm.type='oracle', expected one of "),
        (['detail', '--cfg-options', 'facts.caption=a'], 'error: facts of the config: there is no field caption'),
        (['detail', '--cfg-options', 'facts.captions=a.json'], 'a.json'),
        (['detail', '--cfg-options', 'facts.dataset.type=Coco'], 'Coco'),
    ],
)
def test_wrong_names(run, arguments, message, tmp_path):
    code, _, error = run('http://127.0.0.1:9', *arguments)
    assert code == 1 and message in error and error.startswith('error: ') and error.count('\n') == 1
    assert not list(tmp_path.glob('texts*'))


def test_wrong_files(run, tmp_path, capsys):
    code, _, error = run('http://127.0.0.1:9', out='texts.txt')
    assert code == 1 and 'texts.txt: expected a file that ends with .json or .jsonl' in error
    for text, message in (('llm = dict()', 'has no facts'), ('facts = 1\nllm = dict()', 'facts must be a dict, got 1')):
        (tmp_path / 'other.py').write_text(text)
        assert main(['detail', str(tmp_path / 'other.py'), '--out', str(tmp_path / 'a.json')]) == 1
        assert message in capsys.readouterr().err
