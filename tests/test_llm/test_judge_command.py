"""The steps of tools/judge.py against a replay server: two models, of which one is served, and a judge."""

import base64
import json
import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image
from replay_server import Answer, completion, replay
from tiny_llava import tuned_llava

from clamp_mmpose.apis import ImageChat
from clamp_mmpose.apis.model_zoo import read_config
from clamp_mmpose.cli import judge
from clamp_mmpose.llm.build import build_language_model
from clamp_mmpose.llm.judge.question import read_questions
from clamp_mmpose.llm.tasks.build import build_task

WRITTEN = dict(
    conversation='Question: Where is her left hand?\nAnswer: It is raised.\n\nQuestion: Does she ski?\nAnswer: Yes.',
    reasoning='Question: Why does she smile?\nAnswer: She enjoys the snow.',
    detail='A woman skis.',
)
NAMES = ['nose', 'left_eye', 'right_eye', 'left_ear', 'right_ear', *(f'{s}_{j}' for j in (
    'shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle') for s in ('left', 'right'))]  # fmt: skip


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A small COCO data set, and a config of the three steps."""
    root = tmp_path_factory.mktemp('judge')
    points = np.linspace(10, 60, 34).round().reshape(17, 2)
    people = [
        dict(
            id=i,
            image_id=i,
            category_id=1,
            iscrowd=0,
            area=900,
            bbox=[5, 5, 60, 60],
            num_keypoints=17,
            keypoints=np.hstack([points, np.full((17, 1), 2)]).ravel().tolist(),
        )
        for i in range(1, 5)
    ]
    images = [dict(id=i, file_name=f'{i}.png', width=80, height=70) for i in range(1, 5)]
    person = dict(id=1, name='person', keypoints=NAMES, skeleton=[])
    coco = dict(images=images, annotations=people, categories=[person])
    (root / 'people.json').write_text(json.dumps(coco))
    captions = [dict(id=i, image_id=i, caption=f'Caption {i}.') for i in range(1, 5)]
    (root / 'captions.json').write_text(json.dumps(dict(images=images, annotations=captions)))
    for i in range(1, 5):
        Image.new('RGB', (80, 70), (i, 100, 100)).save(root / f'{i}.png')
    return root


def write_config(folder, url, **changes):
    served = dict(type='openai', base_url=url, max_tokens=50, max_retries=0)
    config = dict(
        facts=dict(
            dataset=dict(type='CocoDataset', data_root=str(folder), ann_file='people.json', data_prefix=dict(img='')),
            captions=str(folder / 'captions.json'),
        ),
        num_images=3,
        seed=1,
        llm=dict(served, model='writer'),
        tasks=dict(conversation=dict(), detail=dict(), reasoning=dict()),
        answers=dict(served=dict(served, model='sees')),
        judge=dict(served, model='judge'),
        **changes,
    )
    path = folder / 'config.py'
    path.write_text('\n'.join(f'{key} = {value!r}' for key, value in config.items()))
    return path


def respond(body):
    """As a writer, a model that sees, or a judge who always gives the first answer half a point more."""
    last = body['messages'][-1]['content']
    if body['model'] == 'sees':
        return Answer(completion('She skis. <script>'))
    if body['model'] == 'judge':
        return Answer(completion(rate(json.JSONDecoder().raw_decode(last)[0])))
    system = body['messages'][0]['content'].lower()
    kind = 'reasoning' if 'reason' in system else 'conversation' if 'conversation' in system else 'detail'
    return Answer(completion(WRITTEN[kind]))


def rate(content):
    scores = [8 if 'own words' in content[name] else 5 for name in ('assistant_1', 'assistant_2')]
    if content['question'].startswith('Why') and 'own words' in content['assistant_2']:
        return '8, 9, 10'  # unparsable
    return f'{scores[0] + 0.5} {scores[1]}\nBecause.'


def run(capsys, *argv):
    code = judge.main([str(part) for part in argv])
    done = capsys.readouterr()
    return code, done.out, done.err


@pytest.fixture(scope='module')
def asked(folder):
    """Questions, and answers of the served model and in a file."""
    out = folder / 'out'
    with replay(respond) as server:
        config = write_config(folder, server.url)
        assert judge.main(['questions', str(config), '--out-dir', str(out)]) == 0
        assert judge.main(['answers', str(config), '--out-dir', str(out)]) == 0
        bodies = list(server.bodies)
    questions = read_questions(out / 'questions.jsonl')
    lines = [dict(question_id=question.id, text='In own words.') for question in questions]
    (folder / 'file.jsonl').write_text('\n'.join(map(json.dumps, lines)))
    return out, questions, bodies


def test_questions_of_three_types_and_a_served_model(asked, folder):
    out, questions, bodies = asked
    assert [question.type for question in questions] == ['conversation'] * 3 + ['detail'] * 3 + ['reasoning'] * 3
    images = [question.image for question in questions]
    assert images[:3] == images[3:6] == images[6:] and len(set(images)) == 3
    by_type = {question.type: question for question in questions}
    assert (by_type['reasoning'].text, by_type['reasoning'].reference) == (
        'Why does she smile?',
        'She enjoys the snow.',
    )
    assert by_type['detail'].reference == 'A woman skis.' and len(by_type['detail'].text) > 20
    pairs = {(question.text, question.reference) for question in questions if question.type == 'conversation'}
    assert pairs <= {('Where is her left hand?', 'It is raised.'), ('Does she ski?', 'Yes.')}
    first = questions[0]
    assert first.context.captions == (f'Caption {first.image[0]}.',)
    assert first.context.boxes == ('person: [0.062, 0.071, 0.812, 0.929]',)
    assert first.context.keypoints[0].startswith('person: nose [0.125, 0.171], left eye [')
    sent = next(body for body in bodies if body['model'] == 'sees')['messages'][0]['content']
    content = base64.b64decode(sent[0]['image_url']['url'].partition('data:image/png;base64,')[2])
    assert content == (folder / questions[0].image).read_bytes() or content[:4] == b'\x89PNG'
    assert sent[1]['text'] in {question.text for question in questions}
    assert (out / 'answers/served.jsonl').read_text().count('\n') == 9


def test_scores_in_both_orders(asked, folder, capsys):
    out, questions, _ = asked
    with replay(respond) as server:
        config = write_config(folder, server.url)
        argv = ('score', config, '--out-dir', out, '--no-reference', '--resamples', 50)
        argv += ('--answers', f'own={folder / "file.jsonl"}')
        code, table, _ = run(capsys, *argv)
        # 6 questions in two orders, and 3 whose first order fails three times
        assert code == 0 and len(server.bodies) == 6 * 2 + 3 * 4
        again = run(capsys, *argv)[0]
        assert again == 0 and len(server.bodies) == 6 * 2 + 3 * 4
    results = json.loads((out / 'results.json').read_text())
    # first of own: 8.5 and 5, second: 8 and 5.5; the order decided nothing
    assert results['models']['own']['all']['score'] == [82.5, 82.5, 82.5]
    assert results['models']['served']['detail']['score'][0] == 52.5
    assert results['pairs'][0]['first'] == 'served' and results['pairs'][0]['scores']['all']['losses'] == 1
    assert results['order'] == dict(count=6, first_wins=0, second_wins=0, changed=0, advantage=0.5)
    assert len(results['left_out']) == 3 and all('unparsable' in reason for reason in results['left_out'].values())
    assert '| own | 82.50 [82.50, 82.50] |' in table and 'Left out: 3 of 9 comparisons.' in table
    reviews = [json.loads(line) for line in (out / 'reviews.jsonl').read_text().splitlines()]
    assert len(reviews) == 6 and reviews[0]['orders'][1] == dict(
        shown_first='own',
        first=dict(score=5.0, aspects={}, reason='Because.'),
        second=dict(score=8.5, aspects={}, reason='Because.'),
    )
    page = (out / 'page.html').read_text()
    assert page.count('data:image/jpeg;base64,') == 9 and '<script' not in page and 'She skis. &lt;script&gt;' in page
    assert all(question.text.replace("'", '&#x27;') in page for question in questions)


def test_published_arithmetic(asked, folder, capsys):
    out = asked[0]
    replies = iter(['8 6', '8/10 6/10', '4 8'])
    with replay(lambda body: Answer(completion(next(replies) + '\nBecause.'))) as server:
        config = write_config(folder, server.url)
        argv = ('score', config, '--out-dir', out, '--published', '--against', 'reference', '--limit', 3)
        code, text, _ = run(capsys, *argv, '--concurrency', 1)
        assert code == 0 and len(server.bodies) == 3  # one order, and what cannot be read is not asked again
        body = server.bodies[0]
    assert body['temperature'] == 0.2 and body['max_tokens'] == 1024
    assert re.search(r'\[Assistant 1\]\n(It is raised|Yes)\.\n\n\[End', body['messages'][1]['content'])
    # (8 - 1 + 4) / 3 and (6 - 1 + 8) / 3
    assert 'reference served\nall 118.2 36.7 43.3\nconv 118.2 36.7 43.3\n====' in text
    assert '1 replies were not read and count as -1; the second is higher by 18.18 %' in text
    assert '| served | 43.33 | 43.33 |' in text
    assert json.loads((out / 'published.json').read_text())['pairs'][0]['failures'] == 1


def test_a_model_of_this_package_goes_on_where_it_stopped(asked, folder, capsys, monkeypatch):
    out, questions, _ = asked
    seen = []

    class ImageChat:
        def __init__(self, config, checkpoint):
            assert (config, checkpoint) == ('c.py', 'c.pth')

        def __call__(self, image, question):
            if len(seen) == 4:
                raise KeyboardInterrupt
            seen.append((image, question))
            return f'answer {len(seen)}'

    monkeypatch.setitem(sys.modules, 'clamp_mmpose.apis.chat', ModuleType('chat'))
    sys.modules['clamp_mmpose.apis.chat'].ImageChat = ImageChat
    config = write_config(folder, 'http://127.0.0.1:9/v1')
    own = "answers['own'] = dict(type='chat', config='c.py', checkpoint='c.pth')"
    config.write_text(f'{config.read_text()}\n{own}\n')
    argv = ('answers', config, '--out-dir', out, '--models', 'own')
    assert run(capsys, *argv)[0] == 130
    seen.insert(0, None)  # past the interruption
    assert run(capsys, *argv)[0] == 0
    lines = [json.loads(line) for line in (out / 'answers/own.jsonl').read_text().splitlines()]
    assert [line['question_id'] for line in lines] == [question.id for question in questions]
    assert len(seen) == 1 + 9 and seen[-1] == (str(folder / questions[-1].image), questions[-1].text)
    assert lines[3]['text'] == 'answer 4' and lines[4]['text'] == 'answer 6'


def test_a_tuned_model_answers(asked, folder, capsys, tmp_path):
    config, checkpoint, _ = tuned_llava(tmp_path)
    out, questions, _ = asked
    path = write_config(folder, 'http://127.0.0.1:9/v1')
    own = dict(type='chat', config=str(config), checkpoint=str(checkpoint), device='cpu')
    path.write_text(f"{path.read_text()}\nanswers['tuned'] = {own!r}\n")
    assert run(capsys, 'answers', path, '--out-dir', out, '--models', 'tuned', '--limit', 2)[0] == 0
    lines = [json.loads(line) for line in (out / 'answers/tuned.jsonl').read_text().splitlines()]
    images = [folder / question.image for question in questions[:2]]
    expected = ImageChat(config, str(checkpoint), 'cpu').ask(images, [question.text for question in questions[:2]])
    assert [line['text'] for line in lines] == expected


@pytest.mark.parametrize(
    'argv, message',
    [
        (['score', '--answers', 'own'], '--answers own, expected NAME=FILE.'),
        (['score', '--answers', 'reference=a.jsonl'], "the name 'reference' is that of the text-only answers"),
        (['score', '--against', 'nobody'], "against='nobody', expected one of reference, served"),
        (['score', '--no-reference'], 'at least two models to compare, got served'),
        (['score', '--questions', 'nowhere.jsonl'], 'questions nowhere.jsonl not found'),
        (['answers', '--models', 'other'], '--models other, expected models of the config: served.'),
        (['questions', '--cfg-options', 'num_images=9'], 'num_images=9, but questions can be asked about 4 images'),
    ],
)
def test_wrong_use_is_one_line(asked, folder, capsys, argv, message):
    config = write_config(folder, 'http://127.0.0.1:9/v1')
    code, _, error = run(capsys, argv[0], config, '--out-dir', asked[0], *argv[1:])
    assert code == 1 and message in error and error.count('\n') == 1


def test_dry_run_asks_nothing(asked, folder, capsys, tmp_path):
    config = write_config(folder, 'http://127.0.0.1:9/v1')
    code, text, _ = run(capsys, 'questions', config, '--out-dir', tmp_path, '--dry-run')
    assert code == 0 and '9 requests, 9 to ask' in text and not list(tmp_path.iterdir())
    code, text, _ = run(capsys, 'score', config, '--out-dir', asked[0], '--dry-run', '--price-in', 1, '--price-out', 1)
    assert '18 requests' in text and 'cost: at most' in text


def test_the_config_of_the_paper():
    """30 images of val2014, three questions each, and LLaVA's settings of the judge; every field is one that exists."""
    config = read_config(Path(__file__).parents[2] / 'configs/texts/coco/judge_gpt-4o.py')
    assert config.num_images == 30 and list(config.tasks) == ['conversation', 'detail', 'reasoning']
    assert config.judge.model == 'gpt-4o' and config.facts.dataset.data_prefix.img == 'val2014/'
    asked = build_language_model(config.judge.to_dict())
    assert (asked.settings['temperature'], asked.settings['max_tokens']) == (0.2, 1024)
    build_language_model(config.llm.to_dict())
    build_language_model(config.answers.llava.to_dict())
    for name, options in config.tasks.items():
        build_task(name, **options)
    assert judge.image_folder(config) == Path('data/coco/val2014')
