import time

import pytest

from clamp_mmpose.language.text_leaks import find_leaks


@pytest.mark.parametrize(
    ('text', 'kind', 'found'),
    [
        ('His keypoints indicate a walk.', 'keypoint', 'keypoints'),
        ('A Key-Point is hidden.', 'keypoint', 'Key-Point'),
        ('Key points show concentration.', 'key points', 'Key points show'),
        ('Judging from their key points, they run.', 'key points', 'from their key points'),
        ('The detailed coordinates suggest a crowd.', 'coordinate', 'coordinates'),
        ('Inside the bounding box stands a man.', 'bounding box', 'bounding box'),
        ('Two bounding-boxes overlap.', 'bounding box', 'bounding-boxes'),
        ('The bbox is small.', 'bounding box', 'bbox'),
        ('As the caption says, she skis.', 'caption', 'caption'),
        ('The ear has a visibility of 0.', 'visibility', 'visibility of 0'),
        ('He stands 367 pixels from the left.', 'pixels', '367 pixels'),
        ('The hand is at (367, 81).', 'list of numbers', '(367, 81)'),
        ('person: [ 0.419,0.023, 0.842, 1 ]', 'list of numbers', '[ 0.419,0.023, 0.842, 1 ]'),
        ('The knee has x = 12.', 'assignment', 'x = 12'),
        ('The nose is 0.39 down.', 'number from 0 to 1', '0.39'),
        ('It ends at .5 of the height.', 'number from 0 to 1', '.5'),
        ('The edge is at 1.0.', 'number from 0 to 1', '1.0'),
    ],
)
def test_leaks(text, kind, found):
    assert (kind, found) in find_leaks(text)


@pytest.mark.parametrize(
    'text',
    [
        'Two people, 2 dogs and 10.5 meters of rope; about 50% of the field.',
        'A skier turns, coordinates his arms and legs, and moves in a coordinated way.',
        'They need good coordination to coordinate.',
        'The key points of the technique: bent knees.',
        'In 1997 (with 2 friends) they won 3-1.',
        'The box on the left is bound with rope. Visibility is good.',
        'They met at 10:30; version 2.0.1 of the game.',
        'A captain waves.',
    ],
)
def test_harmless_texts(text):
    assert find_leaks(text) == []


def test_every_leak_is_found():
    assert [leak.kind for leak in find_leaks('keypoints at [0.1, 0.2] and keypoints at [0.3, 0.4]')] == [
        'keypoint',
        'keypoint',
        'list of numbers',
        'list of numbers',
        'number from 0 to 1',
        'number from 0 to 1',
        'number from 0 to 1',
        'number from 0 to 1',
    ]


def test_digits_without_end_take_no_long_time():
    start = time.perf_counter()
    assert find_leaks('1' * 100_000) == []
    assert time.perf_counter() - start < 2
