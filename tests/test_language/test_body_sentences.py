"""What joints in 3D say about a pose, on hand-made poses of the skeleton whose words are plain to see."""

import random

import numpy as np
import pytest
from body_poses import (
    ARMS_DOWN,
    BENT_OVER,
    HAILING,
    LUNGING,
    ON_HIPS,
    PLANK,
    POINTING,
    PROPOSING,
    SITTING,
    SQUATTING,
    SURRENDER,
    TREE,
    TWISTED,
    mirrored,
    posed,
)

from clamp_mmpose.body.smpl_joints import JOINT_NAMES
from clamp_mmpose.language.pose_facts import activity_sentences, body_facts, body_sentences
from clamp_mmpose.language.pose_facts.activities import ACTIVITIES
from clamp_mmpose.language.pose_facts.body_facts import STATED
from clamp_mmpose.language.pose_facts.wording import HEAD, PHRASES

FACING = (180.0, 0.0, 0.0)
LYING_FACE_UP, LYING_FACE_DOWN, UPSIDE_DOWN, STEEP = (90.0, 0, 0), (-90.0, 0, 0), (0.0, 0, 0), (-105.0, 0, 0)
STRAIGHT_LEGS = ['left knee straight', 'right knee straight']
STRAIGHT_ARMS = ['left elbow straight', 'right elbow straight']
STANDING = ['person standing', 'trunk upright']


def stated(turns, root=FACING):
    return [f'{fact.subject} {fact.state}' for fact in body_facts(posed(turns, root), JOINT_NAMES)]


@pytest.mark.parametrize(
    'turns, root, expected',
    [
        (
            {},
            FACING,
            [*STANDING, 'left arm stretched sideways', 'right arm stretched sideways', *STRAIGHT_ARMS, *STRAIGHT_LEGS],
        ),
        (
            HAILING,
            FACING,
            [
                *STANDING,
                'left arm raised',
                'right arm lowered',
                *STRAIGHT_ARMS,
                'left hand above the head',
                *STRAIGHT_LEGS,
            ],
        ),
        (
            POINTING,
            FACING,
            [*STANDING, 'left arm lowered', 'right arm stretched forward', *STRAIGHT_ARMS, *STRAIGHT_LEGS],
        ),
        (
            SURRENDER,
            FACING,
            [
                *STANDING,
                'left arm held sideways',
                'right arm held sideways',
                'left elbow at a right angle',
                'right elbow at a right angle',
                'left hand raised',
                'right hand raised',
                *STRAIGHT_LEGS,
            ],
        ),
        (
            ON_HIPS,
            FACING,
            [
                *STANDING,
                'left elbow at a right angle',
                'right elbow at a right angle',
                'left hand on the hip',
                'right hand on the hip',
                *STRAIGHT_LEGS,
            ],
        ),
    ],
)
def test_all_that_a_pose_says(turns, root, expected):
    assert stated(turns, root) == expected


@pytest.mark.parametrize(
    'turns, root, expected',
    [
        (SITTING, FACING, ['person sitting', 'left knee at a right angle', 'right arm lowered']),
        (SQUATTING, FACING, ['person squatting', 'left knee bent', 'right knee bent']),
        (LUNGING, FACING, ['person lunging with the left leg', 'left knee at a right angle', 'right knee straight']),
        (mirrored(LUNGING), FACING, ['person lunging with the right leg', 'right knee at a right angle']),
        (PROPOSING, FACING, ['person kneeling on the right knee', 'left leg in front']),
        ({**ARMS_DOWN, 'left knee': (90, 0, 0), 'right knee': (90, 0, 0)}, FACING, ['person kneeling']),
        (TREE, FACING, ['left leg raised sideways', 'left knee bent', 'right knee straight', 'right arm raised']),
        ({**ARMS_DOWN, 'left hip': (50, 0, 0)}, FACING, ['left leg raised backward', 'left knee straight']),
        ({**ARMS_DOWN, 'right hip': (-60, 0, 0)}, FACING, ['right leg raised forward']),
        ({**ARMS_DOWN, 'right hip': (0, 0, -45)}, FACING, ['right leg raised sideways']),
        ({**ARMS_DOWN, 'left hip': (-25, 0, 0), 'right hip': (25, 0, 0)}, FACING, ['left leg in front']),
        ({**ARMS_DOWN, 'lower spine': (30, 0, 0)}, FACING, ['person standing', 'trunk leaning forward']),
        ({**ARMS_DOWN, 'lower spine': (-30, 0, 0)}, FACING, ['trunk leaning backward']),
        ({**ARMS_DOWN, 'lower spine': (0, 0, -30)}, FACING, ['trunk leaning to the left']),
        ({**ARMS_DOWN, 'lower spine': (0, 0, 30)}, FACING, ['trunk leaning to the right']),
        (BENT_OVER, FACING, ['trunk bent over', 'left arm lowered', 'left knee straight']),
        (TWISTED, FACING, ['trunk upright', 'trunk turned left']),
        (mirrored(TWISTED), FACING, ['trunk turned right']),
        ({**ARMS_DOWN, 'neck': (40, 0, 0)}, FACING, ['head lowered']),
        ({**ARMS_DOWN, 'neck': (-50, 0, 0)}, FACING, ['head raised']),
        (ARMS_DOWN, LYING_FACE_UP, ['person lying face up', 'left arm lowered']),
        (ARMS_DOWN, LYING_FACE_DOWN, ['person lying face down']),
        (PLANK, STEEP, ['person in a plank', 'left arm stretched forward', 'right knee straight']),
        (
            {'left shoulder': (0, 0, 80), 'right shoulder': (0, 0, -80)},
            UPSIDE_DOWN,
            ['person upside down', 'left arm raised', 'left hand above the head'],
        ),
        ({**ARMS_DOWN, 'left elbow': (0, -70, 0)}, FACING, ['left elbow bent']),
    ],
)
def test_what_a_pose_says_among_others(turns, root, expected):
    found = stated(turns, root)
    assert set(expected) <= set(found), found


def test_lying_on_a_side():
    """The root turns the head to the right of the image; the left shoulder is then up, or down."""
    for turn, side in ((-90, 'right'), (90, 'left')):
        joints = posed(ARMS_DOWN, UPSIDE_DOWN)  # x to the right of the image, y down, as in a camera
        angle = np.deg2rad(turn)
        turned = joints @ np.array([[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
        facts = {f'{fact.subject} {fact.state}' for fact in body_facts(turned, JOINT_NAMES)}
        left_is_up = turned[JOINT_NAMES.index('left shoulder')][1] < turned[JOINT_NAMES.index('right shoulder')][1]
        assert left_is_up == (side == 'right')
        assert f'person lying on the {side} side' in facts, facts


def test_exchanged_sides_exchange_the_facts():
    swap = str.maketrans({'<': 'left', '>': 'right'})
    for turns in (HAILING, POINTING, ON_HIPS, LUNGING, PROPOSING, TREE, TWISTED):
        expected = {one.replace('left', '>').replace('right angle', '=').replace('right', '<') for one in stated(turns)}
        assert set(stated(mirrored(turns))) == {
            one.translate(swap).replace('upleft', 'upright').replace('=', 'right angle') for one in expected
        }


@pytest.mark.parametrize('heading', [40, 130, 180, -75])
def test_nothing_depends_on_the_camera(heading):
    """Another heading, place and size; another frame with its own up; a frame of the body itself."""
    joints = posed({**TREE, 'lower spine': (20, 0, 0)})
    expected = [f'{fact.subject} {fact.state}' for fact in body_facts(joints, JOINT_NAMES)]
    angle = np.deg2rad(heading)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    moved = 1.3 * joints @ turn.T + [3, -1, 5]
    assert [f'{fact.subject} {fact.state}' for fact in body_facts(moved, JOINT_NAMES)] == expected
    z_up = moved @ np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # (x, y, z) -> (x, z, -y)
    assert [f'{fact.subject} {fact.state}' for fact in body_facts(z_up, JOINT_NAMES, (0, 0, 1))] == expected


def test_up_along_the_trunk():
    lying = body_facts(posed(HAILING, LYING_FACE_UP), JOINT_NAMES, up=None)
    assert 'person standing' in {f'{fact.subject} {fact.state}' for fact in lying}


def test_sentences():
    assert body_sentences(posed(HAILING), JOINT_NAMES) == [
        'The person is standing.',
        'Their upper body is upright.',
        'Their left arm is raised and straight.',
        'Their right arm is lowered and straight.',
        'Their left hand is above their head.',
        'Both of their legs are straight.',
    ]
    assert body_sentences(posed(TWISTED), JOINT_NAMES)[1] == 'Their upper body is upright and turned to their left.'
    assert body_sentences(posed(TREE), JOINT_NAMES)[-2:] == [
        'Their left leg is raised to the side and sharply bent at the knee.',
        'Their right leg is straight.',
    ]


def test_wording_is_drawn():
    joints = posed(HAILING)
    texts = {' '.join(body_sentences(joints, JOINT_NAMES, random.Random(seed))) for seed in range(40)}
    assert len(texts) > 20
    assert body_sentences(joints, JOINT_NAMES, random.Random(3)) == body_sentences(
        joints, JOINT_NAMES, random.Random(3)
    )
    for text in texts:
        assert 'left arm' in text and 'right arm' in text
        assert ('lifted' in text) != ('raised' in text)
    both = {' '.join(body_sentences(posed(ARMS_DOWN), JOINT_NAMES, random.Random(seed))) for seed in range(20)}
    assert all('Both' in text or 'both' in text for text in both), 'the words of two equal sides are the same'


def test_every_fact_has_words():
    for subject, state in STATED:
        joint = subject.endswith(('elbow', 'knee'))
        assert joint or state in (HEAD if subject == 'head' else PHRASES), (subject, state)


def test_activities():
    def told(turns, root=FACING):
        return activity_sentences(body_facts(posed(turns, root), JOINT_NAMES))

    assert told(HAILING)[0] == told(mirrored(HAILING))[0] == 'This person is hailing a taxi.'
    assert 'This person is sitting on a chair.' in told(SITTING)
    assert 'This person is making a marriage proposal.' in told(PROPOSING)
    assert told(LUNGING)[0] == 'This person is doing a lunge.'
    assert told(TREE)[0] == 'This person is holding the tree pose of yoga with the arms overhead.'
    assert 'This person is signaling a goal as a referee.' in told(SURRENDER)
    assert told(PLANK, STEEP)[0] == 'This person is doing push-ups.'
    assert told({**ARMS_DOWN, 'left knee': (60, 0, 0), 'left hip': (-20, 0, 0)}) != []
    assert activity_sentences([]) == []


def test_activities_need_facts_that_exist():
    known = {f'{subject} {state}' for subject, state in STATED}
    for activity in ACTIVITIES:
        for need in activity.needs:
            for option in need.split(' | '):
                for side, other in (('left', 'right'), ('right', 'left')):
                    assert option.format(side=side, other=other) in known, option


def test_wrong_joints():
    joints = posed(HAILING)
    with pytest.raises(ValueError, match=r'expected joints \[K, 3\] in meters, got \[24, 2\]'):
        body_facts(joints[:, :2], JOINT_NAMES)
    with pytest.raises(ValueError, match='equally many, got 23, 24 and 24'):
        body_facts(joints, JOINT_NAMES[:23])
    with pytest.raises(ValueError, match='got no left hip, right hip'):
        body_facts(joints[3:], JOINT_NAMES[3:])
    with pytest.raises(ValueError, match='on one line'):
        body_facts(np.zeros((24, 3)), JOINT_NAMES)
    joints[JOINT_NAMES.index('left wrist')] = np.nan
    assert not any(fact.subject in ('left arm', 'left elbow') for fact in body_facts(joints, JOINT_NAMES))
