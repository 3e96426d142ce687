"""Keypoints as text, and back."""

import numpy as np
import pytest

from clamp_mmpose.codecs.keypoint_text import QUESTION, format_keypoints, parse_keypoints

NAMES = ['nose', 'left eye', 'right eye']


def test_template_of_the_paper():
    assert QUESTION == (
        'There is a person in the image, please estimate the visible keypoints coordinates. The output format should '
        'be Nose:(x1,y1),Neck:(x2,y2),...'
    )
    fractions = np.array([[0.5, 0.25], [0.0, 0.999], [0.129, 0.13]])
    text = format_keypoints(NAMES, fractions, np.array([True, True, True]))
    assert text == 'The detected visible keypoints are Nose:(50,25),Left eye:(0,99),Right eye:(12,13).'
    assert format_keypoints(NAMES, fractions, [False, True, False]).endswith('keypoints are Left eye:(0,99).')


def test_back_to_the_middle_of_bins():
    fractions, visible = parse_keypoints(
        ' the detected visible keypoints are right  eye: (12, 99) , NOSE:(0,50)\n', NAMES
    )
    np.testing.assert_allclose(fractions, [[0.005, 0.505], [0, 0], [0.125, 0.995]])
    assert visible.tolist() == [True, False, True]
    random = np.random.default_rng(0).uniform(0, 1, (3, 2))
    back, seen = parse_keypoints(format_keypoints(NAMES, random, [True] * 3), NAMES)
    assert np.abs(back - random).max() <= 0.005 and seen.all()


@pytest.mark.parametrize(
    'text',
    [
        '',
        'Nose:(50,25)',
        'The detected visible keypoints are ',
        'The detected visible keypoints are Nose:(50,25),',
        'The detected visible keypoints are Nose:(50,25) and so on.',
        'The detected visible keypoints are Nose:(50,25),Left eye:(6',
        'The detected visible keypoints are Nose:(0.5,0.25).',
        'The detected visible keypoints are Nose:(-1,25).',
        'The detected visible keypoints are Nose:(100,25).',
        'The detected visible keypoints are Nose:(5' + '0' * 5000 + ',25).',
        'The detected visible keypoints are Neck:(50,25).',
        'The detected visible keypoints are Nose:(50,25),Nose:(50,25).',
        'The detected visible keypoints are Nose:(50,25)..',
        'The detected visible keypoints are Nose:(٥,25).',
        'The detected visible keypoints are ' + ' ' * 20000,
    ],
)
def test_malformed_answers(text):
    with pytest.raises(ValueError, match=r'expected The detected|is unknown|given twice|above 99'):
        parse_keypoints(text, NAMES)


def test_what_cannot_be_written():
    with pytest.raises(ValueError, match='there are none'):
        format_keypoints(NAMES, np.zeros((3, 2)), [False] * 3)
    for wrong in (1.0, -0.001, np.nan):
        with pytest.raises(ValueError, match='outside the image'):
            format_keypoints(NAMES, np.array([[wrong, 0.5]] * 3), [True] * 3)
    with pytest.raises(ValueError, match=r"name 'nose \(tip\)' holds a sign"):
        format_keypoints(['nose (tip)'], np.zeros((1, 2)), [True])
