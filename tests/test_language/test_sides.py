"""Left and right in any spelling."""

import logging
import re
import warnings

import pytest
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.registry import DATASETS

from clamp_mmpose.language import text_queries
from clamp_mmpose.language.keypoint_names import readable_name
from clamp_mmpose.language.sides import find_sides, mirrored_indices, mirrored_name, side_of
from clamp_mmpose.language.text_queries import TextQueries


@pytest.mark.parametrize(
    'pair',
    [
        'left eye,right eye',
        'left_eye,right_eye',
        'eye_left,eye_right',
        'leftEye,rightEye',
        'L_Eye,R_Eye',
        'l eye,r eye',
        'eye.L,eye.R',
        'eye-l,eye-r',
        'Lear,Rear',
        'LEAR,REAR',
        'Leye,Reye',
        'lf_paw,rf_paw',
        'LFpaw,RFpaw',
        'lfpaw,rfpaw',
        'LEye,REye',
        'eyeL,eyeR',
        'eyel,eyer',
        'eye_L1,eye_R1',
        'Leye1,Reye1',
        'left-front,right-front',
        'LF,RF',
        'fl,fr',
        'hindLeft,hindRight',
        'leftpaw,rightpaw',
        'LEFTPAW,RIGHTPAW',
        'frontleft,frontright',
        'L1,R1',
        'l,r',
        'leftmost tip,rightmost tip',
        'left of right knee,right of left knee',
        'Left_Eye,right eye',
        'L eye,right eye',
        'lft_eye,rgt_eye',
        'Lft paw,Rht paw',
        'lt eye,rt eye',
        'lhip,rhip',
        'hipl,hipr',
        'ｌｅｆｔ eye,right eye',
        'left&nbsp;eye,right eye',
    ],
)
def test_pairs_in_any_spelling(pair):
    sides = find_sides([*pair.split(','), 'tip'])
    assert sides.flip_indices == (1, 0, 2) and sides.sided == (True, True, False) and not sides.doubts


@pytest.mark.parametrize('names', ['rear,front', 'Rear,nose', 'lear,nose', 'leg,nose', 'cleft,bright', 'upright,tip'])
def test_other_words_have_no_side(names):
    sides = find_sides(names.split(','))
    assert sides.flip_indices == (0, 1) and not any(sides.sided) and not sides.doubts


@pytest.mark.parametrize(
    'names', ['lower,rower', 'leg,reg', 'lip,rip', 'lump,rump', 'lamp,ramp', 'heel,heer', 'towel,tower']
)
def test_two_words_are_no_pair_but_a_doubt(names):
    """The mirrored image is not averaged in, as they may be left and right."""
    sides = find_sides(names.split(','))
    first, second = names.split(',')
    assert sides.flip_indices == (0, 1) and sides.sided == (True, True)
    assert sides.doubts == (f'{first!r} and {second!r} differ in l and r, but may be two different words',)


def test_counting_letters_have_no_side():
    letters = 'abcdefghijklmnopqrst'
    for names in (list(letters), [f'kp_{letter}' for letter in letters], [f'kp{letter}' for letter in letters]):
        assert mirrored_indices(names) == list(range(20)) and not any(find_sides(names).sided)
    assert mirrored_indices(['ear_l', 'ear_m', 'ear_r']) == [2, 1, 0]


def test_whole_lists():
    legs = ['fl', 'fr', 'rl', 'rr', 'rear', 'left front', 'front right']
    assert mirrored_indices(legs) == [1, 0, 3, 2, 4, 6, 5]
    assert find_sides(legs).sided == (True,) * 4 + (False, True, True)
    ambiguous = find_sides(['ll', 'lr', 'rl', 'rr'])
    assert ambiguous.flip_indices == (0, 1, 2, 3) and len(ambiguous.doubts) == 4
    assert find_sides(['left eye', 'left_eye', 'right eye']).flip_indices == (0, 1, 2)
    names = ['left eye', 'right eye', 'left ear', 'right ear', 'nose', 'left horn']
    assert mirrored_indices(names) == [1, 0, 3, 2, 4, 5]


def test_the_same_words_in_another_order():
    assert mirrored_indices(['left front paw', 'front right paw', 'tip']) == [1, 0, 2]
    assert mirrored_indices(['FrontLeftPaw', 'Paw_R_Front', 'tip']) == [1, 0, 2]
    # two choices: nothing is guessed; the same order comes first
    assert mirrored_indices(['left front paw', 'front right paw', 'paw front right']) == [0, 1, 2]
    assert mirrored_indices(['left front paw', 'front right paw', 'right front paw']) == [2, 1, 0]
    # with two sides it is not clear what each belongs to
    assert mirrored_indices(['left of right knee', 'left right of knee']) == [0, 1]
    assert mirrored_indices(['left paw', 'right front paw', 'left paw']) == [0, 1, 2]


def test_descriptions_decide_between_equal_names():
    assert mirrored_indices(['eye: the left one', 'eye: the right one', 'nose']) == [1, 0, 2]
    assert mirrored_indices(['eye', 'eye', 'nose'], ['the left one', 'the right one', '']) == [1, 0, 2]
    lids = ['upper lid', 'lower lid', 'lower lid', 'upper lid']
    assert mirrored_indices(['left eye', 'left eye', 'right eye', 'right eye'], lids) == [3, 2, 1, 0]
    corners = ['left corner', 'right corner', 'left corner', 'right corner']
    assert mirrored_indices(['left eye', 'left eye', 'right eye', 'right eye'], corners) == [3, 2, 1, 0]
    rims = ['upper rim', 'lower rim', 'lower rim', 'upper rim']  # the same texts on both sides
    assert mirrored_indices(['left ear', 'left ear', 'right ear', 'right ear'], rims) == [3, 2, 1, 0]
    assert mirrored_indices(['left ear', 'left ear', 'right ear'], ['left tip', 'root', 'left tip']) == [2, 1, 0]
    twice = find_sides(['left ear', 'left ear', 'right ear'], ['upper', 'lower', ''])
    assert twice.flip_indices == (0, 1, 2) and len(twice.doubts) == 2
    # different names: their descriptions may say anything
    assert mirrored_indices(['left ear', 'right ear'], ['above the left eye', 'the smaller one']) == [1, 0]
    assert find_sides(['eye', 'nose'], ['the left one', 'between the left and the right eye']).sided == (True, False)


def test_side_of():
    names = ['left eye', 'eye.R', 'nose', 'between left and right hip', 'leftEye', 'rear']
    assert [side_of(name) for name in names] == ['left', 'right', None, None, 'left', None]


def test_pairs_are_logged_once(monkeypatch):
    lines = []
    monkeypatch.setattr(text_queries, 'print_log', lambda text, level=logging.INFO, **_: lines.append((level, text)))
    for _ in range(2):
        TextQueries.parse('Lhoof, Rhoof, tip of it, lump, rump')
    assert lines == [
        (logging.INFO, 'left/right pairs for the flip: Lhoof - Rhoof; without partner: tip of it, lump, rump'),
        (
            logging.WARNING,
            "'lump' and 'rump' differ in l and r, but may be two different words: not a pair for the flip.",
        ),
    ]
    TextQueries.create(['Lhoof', 'Rhoof', 'tip'], flip_indices=[1, 0, 2])  # given ones are not logged
    TextQueries.parse('nose')
    assert len(lines) == 2


# the names of these keypoints do not tell their sides
NUMBERED = {
    **dict.fromkeys(['AFLW', 'COFW', 'Face300VW', 'Face300W', 'Lapa', 'WFLW'], 'kpt'),
    **dict.fromkeys(['CocoWholeBody', 'CocoWholeBodyFace', 'H36MWholeBody', 'Halpe', 'UBody2d'], 'face'),
    'UBody3d': 'Face_',
    'DeepFashion2': r'\w+_kpt',
}


def metainfo_of_registered_data_sets():
    found = {}
    for name, dataset in DATASETS.module_dict.items():
        if dataset.__module__.startswith('mmpose.') and getattr(dataset, 'METAINFO', None):
            with warnings.catch_warnings():
                warnings.simplefilter('ignore')
                found[name[: -len('Dataset')]] = parse_pose_metainfo(dict(dataset.METAINFO))
    return found


def test_pairs_of_every_registered_data_set():
    """As in the metainfo of MMPose, except where names are numbers."""
    datasets = metainfo_of_registered_data_sets()
    assert len(datasets) > 40 and set(NUMBERED) < set(datasets)
    for label, metainfo in datasets.items():
        swap = metainfo['flip_indices']
        labels = [metainfo['keypoint_id2name'][i] for i in range(len(swap))]
        for names in (labels, [readable_name(name) for name in labels]):
            found = mirrored_indices(names)
            differ = [labels[i] for i in range(len(swap)) if found[i] != swap[i]]
            expected = NUMBERED.get(label)
            assert all(expected and re.fullmatch(rf'{expected}-?\d+', name) for name in differ), (label, differ)
            assert bool(differ) == bool(expected), label
            assert not find_sides(names).doubts


@pytest.mark.parametrize(
    'name, mirrored',
    [
        ('left wheel', 'right wheel'),
        ('Left-most_wheel', 'Right-most_wheel'),
        ('LEFT hand side', 'RIGHT hand side'),
        ('rightmost lamp', 'leftmost lamp'),
        ('wheel on the left-hand side', 'wheel on the right-hand side'),
        ('leftWheel', 'rightWheel'),
        ('wheel L', 'wheel R'),
        ('r_wheel', 'l_wheel'),
        ('rgt lamp', 'lft lamp'),
        ('upright bar', 'upright bar'),
        ('bright copyright cleft', 'bright copyright cleft'),
        ('lefty', 'lefty'),
    ],
)
def test_a_name_seen_in_a_mirror(name, mirrored):
    assert mirrored_name(name) == mirrored and mirrored_name(mirrored) == name
