"""Indirect descriptions of poses: what is sent, what is read, and the file."""

import base64
import json

import cv2
import numpy as np
import pytest
import torch
from body_poses import HAILING, SITTING, axis_angles
from mmpose.registry import DATASETS
from replay_server import Answer, completion, replay

from clamp_mmpose.body.rotations import axis_angle_to_matrix
from clamp_mmpose.cli.make_texts import main
from clamp_mmpose.datasets.poses import PoseSample
from clamp_mmpose.llm.tasks.numbered import numbered_items
from clamp_mmpose.llm.tasks.speculative_poses import SpeculativePoses, parse_speculative
from clamp_mmpose.llm.tasks.task import LeakError
from clamp_mmpose.llm.template_writer import TemplateWriter
from clamp_mmpose.llm.tokens import prompt_tokens
from clamp_mmpose.visualization.bodies import draw_four_views

ANSWERS = ['A yoga pose.', 'Hailing a taxi.', 'A serve in tennis.', 'Greeting somebody.']
SENTENCES = [
    'This person is hailing a taxi.',
    'This person is serving in tennis. It looks like a match.',
    'This person is answering a question.',
    'This person is reaching for a lamp.',
    'This person is waving to a ship.',
]


def written(answers=ANSWERS, sentences=SENTENCES, item='{}. {}'):
    lines = ['Answer to the questions:', *(item.format(i, text) for i, text in enumerate(answers, 1)), '']
    return '\n'.join([*lines, 'Pose descriptions:', *(item.format(i, text) for i, text in enumerate(sentences, 1))])


def sample(turns=HAILING, name='p1', texts=()):
    rotations = axis_angle_to_matrix(axis_angles(turns)).numpy()
    return PoseSample(name, rotations, np.ones(24, bool), texts=list(texts), source='toy.jsonl')


@pytest.mark.parametrize('item', ['{}. {}', '**{}.** {}', '{}) {}', '- {}. {}', '({}) {}'])
def test_answers_as_models_write_them(item):
    assert parse_speculative(written(item=item)) == (ANSWERS, SENTENCES)


def test_numbered_items():
    text = 'Intro.\n\n**Answers:**\n1. **One**\n   goes on\n\nnot this\n2) Two\n### Pose descriptions:\n1. Three'
    assert numbered_items(text) == [(1, 'One goes on'), (2, 'Two'), (1, 'Three')]


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (written(ANSWERS[:3]), 'expected answers 1 to 4 and then descriptions 1 to 5, got 1, 2, 3, 1, 2, 3, 4, 5'),
        (written(sentences=SENTENCES[:4]), 'got 1, 2, 3, 4, 1, 2, 3, 4$'),
        (written(sentences=[*SENTENCES, 'This person is flying.']), 'got 1, 2, 3, 4, 1, 2, 3, 4, 5, 6'),
        (written(answers=[]), 'got 1, 2, 3, 4, 5$'),
        ('I cannot tell.', 'got none'),
        (written(sentences=[*SENTENCES[:4], 'A person is flying.']), "5 must start with 'This person', got 'A person"),
        (written(sentences=[*SENTENCES[:4], 'This personal view.']), "5 must start with 'This person'"),
        (written(sentences=[*SENTENCES[:4], f'This person is {"very " * 60}tired.']), 'has 64 words, at most 60'),
        (written(sentences=[*SENTENCES[:4], SENTENCES[0]]), 'two descriptions are the same'),
        (written([*ANSWERS[:3], '']), 'item 4 is empty'),
    ],
)
def test_answers_that_cannot_be_used(text, message):
    with pytest.raises(ValueError, match=message):
        parse_speculative(text)


def test_request_has_four_views_and_the_direct_description():
    task = SpeculativePoses(size=64, settings=dict(temperature=0.1))
    first, second = task.requests([sample(texts=['The left arm is up.', 'Another.']), sample(SITTING, 'p2')])
    assert (first.id, first.prompt, first.settings) == (
        'speculative_poses/p1',
        'speculative_poses/1',
        dict(temperature=0.1),
    )
    system, user = first.messages
    assert system['content'].startswith('As an AI visual assistant specializing in human pose analysis')
    assert 'each starting with "{number}. This person,"' in system['content']
    *images, text = user['content']
    assert text['text'].endswith('The description of the pose: The left arm is up.')
    assert 'The person is sitting.' in second.messages[1]['content'][-1]['text']
    decoded = []
    for part in images:
        content = base64.b64decode(part['image_url']['url'].partition('data:image/png;base64,')[2])
        decoded.append(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR))
    assert [image.shape for image in decoded] == [(64, 64, 3)] * 4
    joints = task.body(axis_angle_to_matrix(axis_angles(HAILING))[None]).joints[0].numpy()
    np.testing.assert_array_equal(np.hstack(decoded), draw_four_views(joints, size=64))
    # an image counts 1000 tokens whatever its size, a message 8, a text a fourth of its characters
    texts = -(-len(system['content']) // 4) + -(-len(text['text']) // 4)
    assert prompt_tokens(first.messages) == 4 * 1000 + 2 * 8 + texts


def test_poses_without_all_joints_are_left_out():
    task, hurt = SpeculativePoses(), sample()
    hurt.mask[22:] = False  # hands that SMPL-H does not have do not matter
    assert task.unusable(hurt) is None
    (request,) = task.requests([hurt])
    assert request.facts.pose['joints'][-2:] == ['left wrist', 'right wrist']
    hurt.mask[5] = False
    assert task.unusable(hurt) == 'poses with unlabeled joints'


def test_leaks():
    text = written(sentences=[*SENTENCES[:4], 'This person has keypoints.'])
    with pytest.raises(LeakError, match='keypoints'):
        SpeculativePoses().parse(None, text)
    assert SpeculativePoses(on_leak='keep').parse(None, text)[4] == 'This person has keypoints.'


@pytest.mark.parametrize('turns', [HAILING, SITTING, {}, {'left knee': (40, 20, 0), 'right hip': (-20, 10, 60)}])
def test_rules_write_what_is_read(turns):
    task, writer = SpeculativePoses(size=32), TemplateWriter()
    (request,) = task.requests([sample(turns)])
    assert len(task.parse(request, writer.write(request))) == 5


def test_rules_write_of_the_pose():
    task = SpeculativePoses(size=32)
    (request,) = task.requests([sample(SITTING)])
    text = ' '.join(task.parse(request, TemplateWriter().write(request)))
    assert 'sitting on a chair' in text and 'waiting at the dentist' in text


CONFIG = """
poses = dict(type='PoseRecords', ann_files={file!r})
llm = {llm}
tasks = dict(speculative_poses=dict(size=32))
"""


def records_file(tmp_path, number=2):
    file = tmp_path / 'poses.jsonl'
    poses = [HAILING, SITTING][:number]
    lines = [
        json.dumps(dict(id=f'p{i}', texts=['A text.'], poses=[dict(axis_angle=axis_angles(turns).tolist())]))
        for i, turns in enumerate(poses, 1)
    ]
    file.write_text('\n'.join(lines), encoding='utf-8')
    return file


def run(tmp_path, llm, *arguments):
    config = tmp_path / 'config.py'
    config.write_text(CONFIG.format(file=str(records_file(tmp_path)), llm=llm), encoding='utf-8')
    return main(['speculative_poses', str(config), '--out', str(tmp_path / 'spg.json'), *arguments])


def test_command_with_a_server(tmp_path, capsys):
    """A wrong count is asked again; a second run asks nothing and writes the same; the file is as documented."""
    answers = [Answer(completion(text)) for text in (written(ANSWERS[:2]), written(), written(item='**{}.** {}'))]
    with replay(answers) as server:
        llm = dict(type='openai', model='tiny', base_url=server.url, max_tokens=500, concurrency=1, max_retries=0)
        assert run(tmp_path, llm) == 0
        content = (tmp_path / 'spg.json').read_bytes()
        assert run(tmp_path, llm) == 0 and len(server.bodies) == 3
        parts = server.bodies[0]['messages'][1]['content']
        assert [part['type'] for part in parts] == ['image_url'] * 4 + ['text']
    output = capsys.readouterr().out
    assert '2 poses\n' in output and 'answers that cannot be read: 1;' in output
    assert (tmp_path / 'spg.json').read_bytes() == content
    first, second = json.loads(content)
    assert first.keys() == {'pose_id', 'source', 'pose', 'sentences'}
    assert 'joints' not in first['pose']  # all are labeled
    assert (first['pose_id'], first['source'], first['sentences']) == ('p1', 'poses.jsonl', SENTENCES)
    kept = axis_angle_to_matrix(torch.tensor(second['pose']['axis_angle']))
    np.testing.assert_allclose(kept, axis_angle_to_matrix(axis_angles(SITTING)), atol=2e-6)
    samples = DATASETS.build(dict(type='SpeculativePoses', ann_file=str(tmp_path / 'spg.json')))
    assert [samples[i]['texts'] for i in (0, 9)] == [SENTENCES[:1], SENTENCES[4:]] and len(samples) == 10


def test_command_without_a_server(tmp_path, capsys):
    assert run(tmp_path, dict(type='template'), '--dry-run') == 0
    output = capsys.readouterr().out
    assert '<image/png, ' in output and 'iVBOR' not in output
    assert '2 requests, 2 to ask; about 9,' in output, output
    assert run(tmp_path, dict(type='template')) == 0
    assert len(json.loads((tmp_path / 'spg.json').read_text(encoding='utf-8'))) == 2


def test_config_without_poses(tmp_path, capsys):
    config = tmp_path / 'config.py'
    config.write_text("facts = dict(dataset=dict(type='CocoDataset'))\nllm = dict(type='template')", encoding='utf-8')
    assert main(['speculative_poses', str(config), '--out', str(tmp_path / 'a.json')]) == 1
    assert 'has no poses, which speculative_poses needs' in capsys.readouterr().err
    config.write_text("poses = dict(type='CocoDataset')\nllm = dict(type='template')", encoding='utf-8')
    assert main(['speculative_poses', str(config), '--out', str(tmp_path / 'a.json')]) == 1
    assert "type='CocoDataset' is no reader of 3D poses" in capsys.readouterr().err
