import json

import numpy as np
import pytest

from clamp_mmpose.datasets.files.images import read_image
from clamp_mmpose.language.image_facts import ImageFacts, Instance
from clamp_mmpose.language.pose_facts import instance_facts
from demos.people.world.poses import KEYPOINTS
from demos.texts.questions import PoseQuestion, Score, ask_about, of_other_images, score
from demos.texts.world.dataset import ACTIVITIES, write_posing_people
from demos.texts.world.image import draw_figure

NAMES = [name.replace('_', ' ') for name in KEYPOINTS]


@pytest.fixture(scope='module')
def drawn(tmp_path_factory):
    return write_posing_people(tmp_path_factory.mktemp('posing'), (8, 12))


def read(drawn, name):
    return json.loads((drawn / 'annotations' / name).read_text())


@pytest.mark.parametrize('number', range(40))
def test_joints_show_what_was_drawn(number):
    figure = draw_figure(ACTIVITIES[number % 4], 64, (7, number))
    person = Instance('person', (0, 0, 64, 64), figure.keypoints, np.full(16, 2))
    found = {(fact.subject, fact.state) for fact in instance_facts(person, NAMES)}
    for side in ('left', 'right'):
        arm, leg = figure.truth[f'{side} arm'], figure.truth[f'{side} leg']
        assert (f'{side} arm', 'raised' if arm == 'raised' else 'lowered') in found
        assert (f'{side} knee', leg) in found
    assert ('person', 'facing the camera') in found


def test_files(drawn):
    rows, truth, captions = (read(drawn, name) for name in ('val.json', 'truth.json', 'captions.json'))
    assert [row['image'] for row in rows] == [f'{500001 + i}.jpg' for i in range(12)]
    assert list(truth) == list(captions) and len(truth) == 20
    for row in rows:
        assert read_image(str(drawn / 'images' / row['image'])).shape == (64, 64, 3)
        assert row['joints_vis'] == [1] * 16 and np.ptp(row['joints'], axis=0).max() > 30
        assert row['act_name'] in ACTIVITIES and len(captions[row['image']]) == 2
    # nothing in a caption tells the pose
    words = {word for texts in captions.values() for text in texts for word in text.split()}
    assert not words & {'arm', 'arms', 'leg', 'knee', 'raised', 'bent', 'left', 'right'}


def test_activity_and_pose_are_independent():
    figures = [(number % 4, draw_figure(ACTIVITIES[number % 4], 64, (0, number)).truth) for number in range(240)]
    raised = [np.mean([truth['left arm'] == 'raised' for kind, truth in figures if kind == own]) for own in range(4)]
    assert all(0.3 < share < 0.7 for share in raised)


def test_questions_are_about_what_was_drawn(drawn):
    truth = read(drawn, 'truth.json')
    questions = ask_about(str(drawn), truth, 12)
    assert len({question.image for question in questions}) == 12
    for image in truth:
        texts = [question.text for question in questions if question.image == image]
        arms = [truth[image][f'{side} arm'] == 'raised' for side in ('left', 'right')]
        knees = [truth[image][f'{side} leg'] == 'bent' for side in ('left', 'right')]
        if image < '5':
            assert texts == []
            continue
        assert texts[:2] == ['How does the person hold their arms?', 'How does the person hold their legs?']
        assert ('Which arm of the person is raised?' in texts) == (sum(arms) == 1)
        assert ('Which knee of the person is bent?' in texts) == (sum(knees) == 1)


def person(left_arm_raised):
    """Upright, facing the camera, one arm up."""
    points = dict(
        right_ankle=(-8, 90), right_knee=(-8, 70), right_hip=(-8, 50), left_hip=(8, 50), left_knee=(8, 70),
        left_ankle=(8, 90), pelvis=(0, 50), thorax=(0, 20), upper_neck=(0, 14), head_top=(0, 0),
        right_wrist=(-14, 50), right_elbow=(-14, 35), right_shoulder=(-12, 20), left_shoulder=(12, 20),
        left_elbow=(14, 35), left_wrist=(14, 50),
    )  # fmt: skip
    side, sign = ('left', 1) if left_arm_raised else ('right', -1)
    points.update({f'{side}_elbow': (sign * 14, 5), f'{side}_wrist': (sign * 14, -10)})
    joints = np.array([points[name] for name in KEYPOINTS], float) + np.array([50, 20])
    one = Instance('person', (0, 0, 100, 120), joints, np.full(16, 2))
    return ImageFacts('a.jpg', 'a', (100, 120), NAMES, (), list(range(16)), [one])


def test_scores_by_hand():
    which, arms = 'Which arm of the person is raised?', 'How does the person hold their arms?'
    questions = [
        PoseQuestion('1.jpg', which, person(True)),
        PoseQuestion('1.jpg', arms, person(True)),
        PoseQuestion('2.jpg', which, person(False)),
        PoseQuestion('2.jpg', arms, person(False)),
    ]
    left = 'Their left arm is raised, and their right arm is not raised.'
    answers = [left, 'The person has their left arm raised.', left, 'The person is dancing.']
    assert score(questions, answers) == Score(0.5, 0.25, 0.25, [(2, 2), (0, 2)])
    # each answer is given to the same question about the other image
    assert of_other_images(questions, answers) == [left, answers[3], left, answers[1]]
    assert score(questions, of_other_images(questions, answers)) == Score(0.25, 0.5, 0.25, [(1, 2), (0, 2)])
