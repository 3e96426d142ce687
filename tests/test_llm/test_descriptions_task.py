import json

import numpy as np
import pytest

from clamp_mmpose.datasets.descriptions.entries import read_entries
from clamp_mmpose.language.image_facts import ImageFacts, Instance
from clamp_mmpose.llm.tasks.build import build_task
from clamp_mmpose.llm.tasks.task import LeakError, Made

PERSON = Instance('person', (10, 20, 60, 80), np.array([[15.04, 20.06], [33.4, 50], [0, 0]]), np.array([2, 1, 0]), 7)
FACTS = ImageFacts(
    'day/a.jpg',
    5,
    (200, 100),
    ['head', 'left hand', 'right hand'],
    [],
    [0, 2, 1],
    [PERSON],
    activity='sports, basketball, game (Taylor Code 490)',
)
TEMPLATE = 'Your descriptions will follow this template: "There are [num2word($count)] people in image who are'
PLAIN = 'Say how many people are in the image'
LEGEND = '3 keypoints in order: 0 - head, 1 - left hand, 2 - right hand.'


def messages(facts=FACTS, **options):
    request = build_task('descriptions', **options).request(facts)
    assert [message['role'] for message in request.messages] == ['system', 'user']
    system, user = (message['content'] for message in request.messages)
    return system, json.loads(user)


def test_annotations_are_normalized_and_nothing_is_invented():
    system, user = messages(dataset_name='MPII Human Pose dataset')
    # 15.04 / 200 = 0.0752, 20.06 / 100 = 0.2006, 33.4 / 200 = 0.167; Taylor's code means nothing to a reader
    assert user == {
        'activity': 'sports, basketball, game',
        'count': 1,
        'people': [{'id': 0, 'box': [0.05, 0.2, 0.3, 0.8], 'kpts': [[0.075, 0.201], [0.167, 0.5], [-1, -1]]}],
    }
    assert system.startswith(
        'You are an expert human activity and pose analyzer with deep understanding of MPII Human Pose dataset, which '
        f'has {LEGEND} Given a set of 2D keypoint coordinates'
    )
    assert TEMPLATE in system and 'The [parseLocation($box)] person is [predictStateFromContext()]' in system
    assert '(left leg, right leg, left arm, right arm, torso, head)' in system
    assert 'gender-neutral' in system and '{' not in system


def test_switches_of_the_ablations():
    whole, _ = messages()
    system, user = messages(persona=False)
    assert system.startswith(f'The 3 keypoints of the dataset are, in order: {LEGEND[22:]} Given a set')
    assert 'expert' not in system and TEMPLATE in system
    system, user = messages(structured=False)
    assert PLAIN in system and 'num2word' not in system and system.startswith('You are an expert')
    assert PLAIN not in whole
    system, user = messages(activity=False)
    assert system == whole and list(user) == ['count', 'people']
    system, user = messages(pose_facts=True)
    assert 'Statements that were derived' in system and len(user['statements']) > 0


def test_other_subjects_than_people():
    fox = Instance('red fox', PERSON.bbox, PERSON.keypoints, PERSON.visibility)
    system, user = messages(ImageFacts('b.jpg', 6, (200, 100), FACTS.keypoint_names, [], [0, 2, 1], [PERSON, fox]))
    assert [one['category'] for one in user['subjects']] == ['person', 'red fox'] and 'activity' not in user
    assert 'an expert pose analyzer' in system and 'people' not in system and 'left leg' not in system
    assert 'an expert zoologist with' in messages(role='zoologist')[0]


def test_requests_have_ids_and_the_prompt_and_leave_settings_to_the_model():
    request = build_task('descriptions').request(FACTS)
    assert (request.id, request.prompt, request.settings, request.facts) == (
        'descriptions/5',
        'descriptions/1',
        {},
        FACTS,
    )


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (' ', 'empty'),
        ('There are [num2word(2)] people.', 'template is not filled in: .num2word'),
        ('There are $count people.', 'template is not filled in'),
        ("I'm sorry, but I cannot see the image.", 'refusal'),
    ],
)
def test_answers_that_are_no_descriptions(text, message):
    task = build_task('descriptions')
    with pytest.raises(ValueError, match=message):
        task.parse(task.request(FACTS), text)


def test_answers_that_speak_of_the_annotations():
    text = 'One person stands; the keypoints of the legs are missing.'
    task = build_task('descriptions')
    with pytest.raises(LeakError, match='speaks of the annotations'):
        task.parse(task.request(FACTS), text)
    kept = build_task('descriptions', on_leak='keep')
    assert kept.parse(kept.request(FACTS), f'Description: {text}\n') == text
    assert kept.leaks(text) == ["keypoint: 'keypoints'"]


@pytest.mark.parametrize('name', ['gpt-4.json', 'gpt-4.jsonl'])
def test_files_are_what_the_data_sets_read(tmp_path, name):
    task = build_task('descriptions')
    made = [Made(task.request(FACTS), 'One person stands – upright.', {})]
    task.write(tmp_path / name, made)
    entry = dict(image='day/a.jpg', description='One person stands – upright.')
    assert read_entries(tmp_path / name) == [dict(entry, descriptions=[entry['description']])]


def test_published_prompt_is_for_mpii_only():
    with pytest.raises(ValueError, match='16 keypoints, center and scale of MPII, which day/a'):
        build_task('descriptions', published=True).request(FACTS)
    with pytest.raises(ValueError, match='leave them at their defaults'):
        build_task('descriptions', published=True, persona=False)


def test_published_keypoints_are_cut_not_rounded():
    points = np.full((16, 2), 3.99)
    points[1] = (-0.6, 99.5)
    person = Instance(
        'person', (0, 0, 9, 9), points, np.array([2, 1, 0] + [2] * 13), 1, center=(33.5, 20.25), scale=1.5
    )
    names = [f'joint {i}' for i in range(16)]
    facts = ImageFacts('a.jpg', 1, (100, 100), names, [], list(range(16)), [person], activity='rest')
    (sent,) = messages(facts, published=True)[1]['people']
    assert sent['kpts'] == [[3, 3], [0, 99], [-1, -1], *[[3, 3]] * 13]
    assert (sent['center'], sent['scale']) == ([33.5, 20.25], 1.5)
