"""Text queries from users and data sets."""

import pytest

from clamp_mmpose.language.text_queries import TextQueries


def test_parse_names_and_skeleton():
    queries = TextQueries.parse('left ear, right ear ,nose', '0-2, 1-2')
    assert queries == TextQueries(['left ear', 'right ear', 'nose'], None, [(0, 2), (1, 2)], [1, 0, 2])
    assert queries.texts == ['left ear', 'right ear', 'nose']
    assert TextQueries.parse(['nose'], [[]][:0]).skeleton_links == []


def test_parse_descriptions():
    """The first colon ends the name; a description with a comma needs a list."""
    queries = TextQueries.parse(['nose: left, below: the eyes', 'tail'])
    assert queries.keypoint_names == ['nose', 'tail'] and queries.keypoint_descriptions == ['left, below: the eyes', '']
    assert queries.texts == ['nose: left, below: the eyes', 'tail']
    assert TextQueries.parse('left ear: the tip of the left ear, nose').texts == [
        'left ear: the tip of the left ear',
        'nose',
    ]


def test_flip_indices_follow_names_or_are_given():
    assert TextQueries.create(['left ear', 'nose', 'right ear'], ['above the left eye', '', '']).flip_indices == [
        2,
        1,
        0,
    ]
    assert TextQueries.create(['a', 'b'], flip_indices=(1, 0)).flip_indices == [1, 0]
    # with two 'left ear', the counterpart of 'right ear' is ambiguous
    twice = TextQueries.create(['left ear', 'left ear', 'right ear'], ['upper', 'lower', ''])
    assert twice.flip_indices == [0, 1, 2]


@pytest.mark.parametrize(
    'arguments, error',
    [
        (dict(names=[]), 'not be empty'),
        (dict(names=['nose', ' ']), 'not be empty'),
        (dict(names=['nose', ' '], descriptions=['a', 'b']), 'not be empty'),
        (dict(names=['nose', 'Nose']), 'must differ'),
        (dict(names=['nose', 'nose'], descriptions=['a', 'A']), 'must differ'),
        (dict(names=['nose'], descriptions=['a', 'b']), '1 keypoint names need as many descriptions, got 2'),
        (dict(names=['nose'], descriptions=[None]), 'must be strings'),
        (dict(names=['a', 'b'], skeleton=[(0, 2)]), '0 to 1'),
        (dict(names=['a', 'b'], flip_indices=[0, 0]), 'flip_indices must hold each index from 0 to 1 once'),
        (dict(names=['a', 'b'], flip_indices=[0, 1, 2]), 'flip_indices must hold each index from 0 to 1 once'),
    ],
)
def test_unusable(arguments, error):
    with pytest.raises(ValueError, match=error):
        TextQueries.create(**arguments)


@pytest.mark.parametrize(
    'keypoints, error',
    [
        ({'cat': ['nose']}, r"in one list .* dict with the keys \['cat'\]: call once for each group"),
        ([['nose'], ['tail']], r"keypoints\[0\] is list, \['nose'\]: .* call once for each image"),
        (['nose', ('tail',)], r'keypoints\[1\] is tuple'),
        (['nose', None], r'must be strings, .*keypoints\[1\] is NoneType, None'),
        ({'nose', 'tail'}, 'in one list .* got set'),
        (7, 'got int: 7'),
        (b'nose', 'got bytes'),
        ('', 'must not be empty'),
        ([], 'must not be empty'),
    ],
)
def test_other_shapes_are_refused_by_name(keypoints, error):
    with pytest.raises(ValueError, match=error):
        TextQueries.parse(keypoints)
