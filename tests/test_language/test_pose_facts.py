"""What keypoints say about a pose: on real people what a human sees, on drawn ones what their angles are."""

import numpy as np
import pytest
from real_people import (
    ACTOR,
    ANTELOPE,
    AP10K,
    BASEMAN,
    BATTER,
    CATCHER,
    COCO,
    CURLER,
    DRIVER,
    LEANING_DRIVER,
    MAN_BEHIND_BOX,
    MAN_ON_CHAIR,
    MPII,
    SKIER,
    TALKING_DRIVER,
    UMPIRE,
    instance,
)
from stick_people import stick_person

from clamp_mmpose.language.image_facts import Instance
from clamp_mmpose.language.keypoint_names import keypoint_names
from clamp_mmpose.language.pose_facts import instance_facts, judge_pose
from clamp_mmpose.language.pose_facts.geometry import angle, from_down, lean
from clamp_mmpose.language.pose_facts.joints import find_joints


def stated(person, names=COCO):
    return {f'{fact.subject} {fact.state}' for fact in instance_facts(person, names)}


def test_angles():
    assert angle((0, 0), (1, 0), (1, 5)) == pytest.approx(90)
    assert angle((0, 0, 0), (1, 1, 1), (3, 3, 3)) == pytest.approx(180)
    assert angle((0, 0), (0, 0), (1, 5)) is None
    assert from_down((2, 2), (2, 9)) == 0
    assert from_down((2, 2), (-3, 2)) == pytest.approx(90)
    assert from_down((0, 0, 0), (0, -1, 1)) == pytest.approx(135)
    assert lean((0, 0), (-1, -1)) == pytest.approx(-45)
    assert lean((0, 0), (1, 0)) == pytest.approx(90)
    assert lean((1, 1), (1, 1)) is None


@pytest.mark.parametrize(
    'numbers, names, expected',
    [
        (SKIER, COCO, ['trunk leaning left', 'head facing the camera', 'right knee bent']),
        (
            MAN_ON_CHAIR,
            COCO,
            [
                'person sitting',
                'person facing right',
                'trunk upright',
                'head facing right',
                'left knee bent',
                'right knee bent',
            ],
        ),
        (
            MAN_BEHIND_BOX,  # without ankles he may sit or squat: neither is said
            COCO,
            [
                'person facing the camera',
                'trunk upright',
                'head facing the camera',
                'left arm lowered',
                'right arm lowered',
                'left elbow straight',
                'right elbow bent',
                'hands together',
            ],
        ),
        (
            BATTER,
            COCO,
            [
                'person facing left',
                'trunk upright',
                'head facing left',
                'left elbow bent',
                'hands together',
                'left knee bent',
                'right knee bent',
                'legs apart',
            ],
        ),
        (
            UMPIRE,
            COCO,
            [
                'person standing',
                'person facing the camera',
                'head facing the camera',
                'left elbow bent',
                'right elbow bent',
                'arms crossed',
                'left knee straight',
                'right knee straight',
            ],
        ),
        (
            CATCHER,
            COCO,
            [
                'person squatting',
                'person facing away',
                'trunk upright',
                'left elbow bent',
                'left hand raised',
                'left knee bent',
                'right knee bent',
            ],
        ),
        (
            BASEMAN,
            COCO,
            [
                'person standing',
                'person facing the camera',
                'trunk upright',
                'head facing the camera',
                'right arm lowered',
                'left elbow bent',
                'right elbow bent',
                'left hand on the hip',
                'left knee straight',
                'right knee straight',
            ],
        ),
        (
            CURLER,
            MPII,
            [
                'person sitting',
                'person facing the camera',
                'trunk upright',
                'left elbow bent',
                'right elbow bent',
                'right hand raised',
                'left knee bent',
                'right knee bent',
            ],
        ),
        (
            ACTOR,
            MPII,
            [
                'person sitting',
                'person facing the camera',
                'trunk upright',
                'left elbow bent',
                'right elbow bent',
                'right hand near the head',
                'right hand raised',
                'left knee bent',
            ],
        ),
        (
            DRIVER,
            MPII,
            [
                'person facing the camera',
                'trunk upright',
                'left arm lowered',
                'right arm raised',
                'left elbow straight',
                'right hand raised',
            ],
        ),
        (
            LEANING_DRIVER,
            MPII,
            [
                'person standing',
                'person facing the camera',
                'trunk leaning left',
                'head tilted left',
                'left arm lowered',
                'right elbow straight',
                'left knee straight',
                'right knee straight',
            ],
        ),
        (TALKING_DRIVER, MPII, ['trunk upright', 'left elbow bent', 'right elbow bent']),
        (
            ANTELOPE,
            AP10K,
            [
                'person standing',
                'person facing left',
                'head lowered',
                'left front leg straight',
                'right front leg straight',
            ],
        ),
    ],
)
def test_on_real_images_the_facts_are_what_a_human_sees(numbers, names, expected):
    assert stated(instance(numbers), names) == set(expected)


STANDS = {
    'person standing',
    'person facing the camera',
    'head facing the camera',
    'trunk upright',
    'left arm lowered',
    'right arm lowered',
    'left elbow straight',
    'right elbow straight',
    'left knee straight',
    'right knee straight',
}
LEFT_ARM = {'left arm lowered', 'left elbow straight'}


@pytest.mark.parametrize(
    'pose, gone, new',
    [
        (dict(), [], []),
        (
            dict(left_arm=(160, 160)),
            ['left arm lowered'],
            ['left arm raised', 'left hand above the head', 'left hand raised'],
        ),
        (dict(left_arm=(90, 90)), ['left arm lowered'], ['left arm stretched sideways']),
        (
            dict(left_arm=(90, 180)),
            LEFT_ARM,
            ['left arm raised', 'left elbow bent', 'left hand raised'],
        ),
        (dict(left_arm=(40, -45)), LEFT_ARM, ['left elbow bent', 'left hand on the hip']),
        (dict(left_arm=(20, -130)), LEFT_ARM, ['left elbow bent']),
        (
            dict(left_arm=(20, -100), right_arm=(20, -100)),
            [*LEFT_ARM, 'right arm lowered', 'right elbow straight'],
            ['left elbow bent', 'right elbow bent', 'hands together'],
        ),
        (dict(left_leg=(20, 20), right_leg=(30, 30)), ['person standing'], ['legs apart']),
        (dict(left_leg=(-15, -20), right_leg=(-15, -20)), [], ['legs crossed']),
        (
            dict(right_leg=(90, 0)),
            ['person standing', 'right knee straight'],
            ['right knee bent', 'right leg raised'],
        ),
        (
            dict(tilt=30),
            ['trunk upright', 'left arm lowered', 'right arm lowered'],
            ['trunk leaning right', 'head tilted right', 'left arm lowered'],
        ),
    ],
)
def test_a_drawn_person_facing_the_camera(pose, gone, new):
    assert stated(stick_person(**pose)) == (STANDS - set(gone)) | set(new)


@pytest.mark.parametrize('facing', ['camera', 'away'])
def test_sideways_is_outward_of_the_person_whichever_way_it_faces(facing):
    assert 'left arm stretched sideways' in stated(stick_person(left_arm=(90, 90), facing=facing))
    across = stated(stick_person(left_arm=(-90, -90), facing=facing))
    assert not {state for state in across if 'sideways' in state}


@pytest.mark.parametrize(
    'pose, expected',
    [
        (dict(left_leg=(90, 0), right_leg=(85, 5)), 'person sitting'),
        (dict(left_leg=(20, -90), right_leg=(20, -85)), 'person kneeling'),
        (dict(left_leg=(80, 0), right_leg=(0, -90)), 'person kneeling'),
        (dict(left_leg=(110, -30), right_leg=(110, -35)), 'person squatting'),
        (dict(tilt=-80, left_leg=(90, 90), right_leg=(90, 90), left_arm=(90, 90)), None),
        (dict(tilt=-85, left_leg=(-90, -90), right_leg=(-85, -88)), 'person lying'),
        (dict(tilt=-80), 'trunk bent over'),
        (dict(tilt=-30), 'trunk leaning forward'),
        (dict(tilt=30), 'trunk leaning backward'),
        (dict(tilt=175, left_leg=(180, 180), right_leg=(178, 178)), 'person upside down'),
        (dict(left_arm=(90, 90)), 'left arm stretched forward'),
        (dict(left_leg=(30, 30), right_leg=(-30, -30)), 'legs apart'),
    ],
)
def test_a_drawn_person_seen_from_the_side(pose, expected):
    found = stated(stick_person(facing='left', **pose))
    assert 'hands together' not in found  # both arms hang side by side
    postures = {text for text in found if text.split()[1] in ('sitting', 'kneeling', 'squatting', 'lying', 'upside')}
    if expected is None:
        assert not postures
    else:
        assert expected in found and postures <= {expected}


def test_degrees_are_those_of_the_drawing():
    facts = {f'{fact.subject} {fact.state}': fact.degrees for fact in instance_facts(stick_person((50, -60)), COCO)}
    assert facts['left elbow bent'] == pytest.approx(70)
    assert facts['right elbow straight'] == pytest.approx(180)
    assert facts['right arm lowered'] == pytest.approx(10)
    assert facts['trunk upright'] == pytest.approx(0)
    assert facts['person standing'] is None


def test_between_the_thresholds_nothing_is_said():
    for bend, known in ((18, False), (22, None), (38, None), (42, True)):  # elbows of 162, 158, 142, 138 degrees
        person = stick_person(left_arm=(10, 10 + bend))
        assert judge_pose(COCO, person.keypoints, person.labeled).get('left elbow', 'bent') is known


def test_a_foreshortened_limb_is_not_called_straight():
    person = stick_person()
    shoulder, elbow, wrist = (COCO.index(f'left {name}') for name in ('shoulder', 'elbow', 'wrist'))
    for joint in (elbow, wrist):  # toward the camera: half as long
        person.keypoints[joint] = (person.keypoints[joint] + person.keypoints[shoulder]) / 2
    assert judge_pose(COCO, person.keypoints, person.labeled).get('left elbow', 'straight') is None
    assert 'left arm lowered' not in stated(person)


POSES = (
    dict(left_arm=(160, 150), right_arm=(90, 90), left_leg=(90, 0)),
    dict(left_arm=(50, -60), right_leg=(20, 70), tilt=25),
    dict(facing='left', left_arm=(90, 90), right_leg=(60, -20), tilt=-25),
    dict(facing='away', left_arm=(150, 30), right_arm=(120, 120)),
)


@pytest.mark.parametrize('pose', POSES)
def test_scale_and_position_change_nothing(pose):
    person, moved = stick_person(**pose), stick_person(**pose, at=(-31.0, 977.0), scale=7.25)
    facts, others = instance_facts(person, COCO), instance_facts(moved, COCO)
    assert [(fact.subject, fact.state) for fact in facts] == [(fact.subject, fact.state) for fact in others]


def mirrored(text):
    words = dict(left='right', right='left')
    return ' '.join(words.get(word, word) for word in text.split())


@pytest.mark.parametrize('pose', POSES)
def test_the_mirror_image_swaps_left_and_right(pose):
    person = stick_person(**pose)
    flip = [COCO.index(mirrored(name)) for name in COCO]
    mirror = Instance('person', person.bbox, (person.keypoints * (-1, 1) + (640, 0))[flip], person.visibility[flip])
    assert stated(mirror) == {mirrored(text) for text in stated(person)}


@pytest.mark.parametrize('pose', POSES)
def test_what_is_not_labeled_is_not_stated(pose):
    everything = stated(stick_person(**pose))
    for side in ('left', 'right'):
        found = stated(stick_person(**pose, missing=[f'{side} wrist', f'{side} ankle']))
        assert not [text for text in found if text.startswith((f'{side} elbow', f'{side} hand', f'{side} knee'))]
        assert not [text for text in found if text.startswith((f'{side} arm', 'hands', 'arms'))]
    assert stated(stick_person(**pose, missing=COCO)) == set()
    assert len(everything) > 5


def test_nan_and_limbs_without_length_say_nothing():
    person = stick_person()
    person.keypoints[:] = np.nan
    assert stated(person) == set()
    person.keypoints[:] = 5.0
    assert stated(person) == set()
    half = stick_person()
    half.keypoints[COCO.index('left wrist')] = (np.nan, 3)
    assert stated(half) == STANDS - LEFT_ARM


def test_names_of_other_data_sets():
    whole_body = tuple(keypoint_names('CocoWholeBodyDataset'))
    person = stick_person(left_arm=(160, 160), right_leg=(90, 0))
    keypoints, visibility = np.zeros((133, 2)), np.zeros(133)
    keypoints[:17], visibility[:17] = person.keypoints, person.visibility
    assert stated(Instance('person', person.bbox, keypoints, visibility), whole_body) == stated(person)
    spelled = [name.replace('left ', 'L_').replace('right ', 'R_') for name in COCO]
    assert stated(person, spelled) == stated(person)
    assert stated(Instance('person', person.bbox, keypoints, visibility), [f'point {i}' for i in range(133)]) == set()
    joints = find_joints(['Neck', 'Root of tail', 'L_F_Paw'], np.eye(3, 2), np.array([True, True, True]))
    assert set(joints) == {'neck', 'tail', 'left front paw'}
    with pytest.raises(ValueError, match='equally many, got 17, 133 and 133'):
        instance_facts(Instance('person', person.bbox, keypoints, visibility), COCO)


def test_joints_of_a_scene_have_three_coordinates():
    person = stick_person(left_arm=(90, 180))
    scene = np.concatenate([person.keypoints, np.zeros((17, 1))], axis=1)
    flat = instance_facts(person, COCO)
    assert instance_facts(Instance('person', person.bbox, scene, person.visibility), COCO) == flat
    # toward the camera the arm is as straight as in the image plane
    shoulder = scene[COCO.index('left shoulder')]
    for joint, depth in (('left elbow', -60.0), ('left wrist', -110.0)):
        scene[COCO.index(joint)] = shoulder + np.array([0, 0, depth])
    assert 'left elbow straight' in stated(Instance('person', person.bbox, scene, person.visibility))


def test_a_raised_paw():
    animal = instance(ANTELOPE, 'antelope')
    animal.keypoints[AP10K.index('left front paw')] -= (60, 90)
    assert 'left front leg raised' in stated(animal, AP10K)
    assert 'person standing' not in stated(animal, AP10K)
