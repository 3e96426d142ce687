"""The command that measures texts."""

import json

import pytest
from stick_people import COCO, stick_person

from clamp_mmpose.cli.text_quality import main

pytest.importorskip('punkt', reason='needs the extra "texts"')
STANDING = 'The person is standing.'
CONFIG = (
    "facts = dict(dataset=dict(type='CocoDataset', data_root={root!r}, ann_file='coco.json', data_prefix=dict(img='')))"
)


@pytest.fixture(autouse=True)
def without_language_tool(monkeypatch, tmp_path):
    monkeypatch.setenv('LTP_PATH', str(tmp_path / 'no_language_tool'))


@pytest.fixture
def files(tmp_path):
    first = [dict(image='1.jpg', description=STANDING), dict(image='2.jpg', description=f'{STANDING} {STANDING}')]
    first.append(dict(image='3.jpg', description=''))
    second = [dict(image='1.jpg', description='Their left arm is raised, the keypoints say.')]
    paths = [tmp_path / name / 'train.json' for name in ('gpt', 'llama')]
    for path, content in zip(paths, (first, second)):
        path.parent.mkdir()
        path.write_text(json.dumps(content))
    return list(map(str, paths))


@pytest.fixture
def config(tmp_path):
    """Facts of 1.jpg, in which the left arm is up."""
    person = stick_person(left_arm=(150, 150))
    keypoints = [
        number for point, seen in zip(person.keypoints, person.visibility) for number in (*point.tolist(), int(seen))
    ]
    x1, y1, x2, y2 = person.bbox
    row = dict(id=1, image_id=1, category_id=1, iscrowd=0, area=1e4, num_keypoints=17, keypoints=keypoints)
    content = dict(
        images=[dict(id=1, file_name='1.jpg', width=640, height=480)],
        categories=[dict(id=1, name='person', keypoints=list(COCO), skeleton=[])],
        annotations=[dict(row, bbox=[x1, y1, x2 - x1, y2 - y1])],
    )
    (tmp_path / 'coco.json').write_text(json.dumps(content))
    path = tmp_path / 'facts.py'
    path.write_text(CONFIG.format(root=str(tmp_path)))
    return str(path)


def rows(text):
    """The cells of printed tables by the first of each row."""
    cells = [[cell.strip() for cell in line[1:-1].split('|')] for line in text.splitlines() if line[:1] == '|']
    return {row[0]: row[1:] for row in cells}


def test_files_are_measured_and_compared(files, config, tmp_path, capsys):
    out = tmp_path / 'out'
    assert main([*files, '--out', str(out), '--facts', config, '--ngram', '2']) == 0
    printed = capsys.readouterr().out
    table = rows(printed.split('\n\n')[0])
    assert table[''][:2] == ['gpt/train', 'llama/train'] and table[''][-2:] == ['GPT-3.5 †', 'GPT-4 †']
    assert table['Words per text'][:2] == ['6.00 [4.00, 8.00]', '8.00 [8.00, 8.00]']
    assert table['Flesch-Kincaid grade'][0] == '3.67 [3.67, 3.67]' and table['Flesch-Kincaid grade'][-1] == '10.29'
    # 10 tokens in two sentences: 9 bigrams, of which 8 are repeated; the other text has none
    assert table['Repeated 2-grams, % (less is better)'][0] == '44.44 [0.00, 88.89]'
    assert table['Repeated 2-grams, % (less is better)'][-1] == '17.00'
    assert table['Texts without words'][:2] == ['1', '0']
    assert table['Statements that fit the keypoints, % (more is better)'][1] == '100.00 [100.00, 100.00]'
    differences = rows(printed.split('\n\n')[2])
    assert differences[''] == ['llama/train - gpt/train (1 images)']
    assert differences['Words per text'] == ['4.00 [4.00, 4.00]']
    assert differences['Texts that leak the annotations, %'] == ['100.00 [100.00, 100.00]']
    assert 'Grammar errors are not counted: ' in printed and 'is missing' in printed

    content = json.loads((out / 'text_quality.json').read_text())
    gpt = content['files']['gpt/train']
    assert (gpt['texts'], gpt['images'], gpt['wordless'], gpt['path']) == (3, 3, 1, files[0])
    assert gpt['measures']['length'] == dict(value=6, low=4, high=8, texts=2)
    assert content['files']['llama/train']['leak_kinds'] == dict(keypoint=1)
    assert content['differences']['llama/train']['measures']['length'] == dict(value=4, low=4, high=4)
    assert len(content['notes']) == 1
    assert (out / 'text_quality.md').read_text().startswith('|') and (out / 'text_quality.png').stat().st_size > 1000


def test_published_arithmetic(files, tmp_path, capsys):
    assert main([files[0], '--published', '--out', str(tmp_path / 'out')]) == 0
    found = json.loads((tmp_path / 'out' / 'text_quality.json').read_text())['files']['train']['measures']
    assert found['readability'] == pytest.approx((3.7 + 3.7 - 15.7) / 3)  # the empty text counts
    assert (found['shortest'], found['longest'], found['length']) == (0, 10, 5)
    # 12 words of 4 types: a factor of ten, and two words that do not repeat
    assert found['mtld'] == 12
    assert rows(capsys.readouterr().out)['MTLD of all texts joined'][0] == '12.00'


def test_files_without_common_images(files, tmp_path, capsys):
    (tmp_path / 'plain.txt').write_text('A man.\n!\n')
    assert main([files[0], str(tmp_path / 'plain.txt')]) == 0
    assert 'plain is not compared with train: they share no image.' in capsys.readouterr().out


def test_texts_without_any_word(tmp_path):
    (tmp_path / 'empty.json').write_text('["", "!"]')
    assert main([str(tmp_path / 'empty.json'), '--out', str(tmp_path / 'out')]) == 0
    content = json.loads((tmp_path / 'out' / 'text_quality.json').read_text())['files']['empty']
    assert content['wordless'] == 2 and set(content['measures'].values()) == {None}
    assert main([str(tmp_path / 'empty.json'), '--published']) == 0


def test_human_ratings_go_to_label_studio_and_come_back(files, tmp_path, capsys):
    tasks = tmp_path / 'tasks.json'
    assert main([*files, '--label-studio-export', str(tasks), '--image-url', 's3://images/']) == 0
    assert f'Wrote 2 tasks of 1 images to {tasks}' in capsys.readouterr().out
    exported = json.loads(tasks.read_text())
    assert {task['data']['image'] for task in exported} == {'s3://images/1.jpg'}
    assert (tmp_path / 'tasks.xml').read_text().startswith('<View>')

    levels = {'gpt/train': 'Correct', 'llama/train': 'Partly wrong'}
    for number, task in enumerate(exported):
        result = dict(from_name='correctness', value=dict(choices=[levels[task['data']['model']]]))
        task.update(id=number, annotations=[dict(result=[result])])
    tasks.write_text(json.dumps(exported))
    assert main([*files, '--ratings', str(tasks), '--out', str(tmp_path / 'out')]) == 0
    table = rows(capsys.readouterr().out)
    assert table['%'] == ['Wrong', 'Partly wrong', 'Neutral', 'Mostly correct', 'Correct']
    assert table['llama/train'] == ['0.0', '100.0', '0.0', '0.0', '0.0']
    assert table['Human correctness, %'] == ['-60.00 [-60.00, -60.00]']  # the difference, 40 - 100
    content = json.loads((tmp_path / 'out' / 'text_quality.json').read_text())
    assert content['files']['gpt/train']['measures']['correctness']['value'] == 100
    assert content['correctness_levels']['gpt/train']['Correct'] == 100
    assert (tmp_path / 'out' / 'correctness.png').stat().st_size > 1000
    assert main([*files, '--ratings', str(tasks), '--published']) == 0
    assert rows(capsys.readouterr().out)['Human correctness, %'][:2] == ['100.00', '40.00']


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--clip', 'ViT-B-32'], 'error: --clip needs --clip-weights (a file or a tag) and --images'),
        (['--facts', 'no.py'], 'error: '),
        (['--ratings', 'no.json'], 'error: ratings no.json not found'),
    ],
)
def test_errors_are_one_line(files, capsys, options, message):
    assert main([*files, *options]) == 1
    error = capsys.readouterr().err
    assert message in error and error.count('\n') == 1
