import numpy as np
import pytest

from clamp_mmpose.apis.boxes import check_boxes, check_inside, parse_box

NAMES = ['a.png', 'b.png']
IMAGE = np.zeros((20, 30, 3), np.uint8)


@pytest.mark.parametrize(
    'row, shown',
    [
        ([0, 0, float('nan'), 9], 'nan'),
        ([9, 0, 0, 9], r'\[9, 0, 0, 9\]'),
        ([0, 0, 0, 9], r'\[0, 0, 0, 9\]'),
        ([0, 0, 9], r'\[0, 0, 9\]'),
        ([0, 0, 9, 9, 1], r'\[0, 0, 9, 9, 1\]'),
        (['0', '0', '9', '9'], "'9'"),
        ([0, 0, float('inf'), 9], 'inf'),
        ([0, 0, 1e300, 9], '1e'),
        ([0, 0, 10**400, 9], '1000'),
        ([0, 0, True, True], 'True'),
        ([0, 0, None, 9], 'None'),
        ('0,0,9,9', "'0,0,9,9'"),
        (np.array([9.0, 0, 0, 9]), r'\[9\.0, 0\.0, 0\.0, 9\.0\]'),
    ],
)
def test_a_bad_box_is_named_with_its_image(row, shown):
    good, bad = check_boxes([[[0, 0, 9, 9]], [[1, 2, 3, 4], row]], NAMES)
    np.testing.assert_array_equal(good, [[0, 0, 9, 9, 1]])
    with pytest.raises(ValueError, match=rf'bboxes\[1\] must be rows .*box 1 of b\.png is .*{shown}'):
        raise bad


def test_forms_of_boxes():
    for boxes in ([0, 0, 9, 9], [[0, 0, 9, 9]], np.array([[0, 0, 9, 9]]), ((0, 0, 9, 9),)):
        np.testing.assert_array_equal(check_boxes(boxes, ['a.png'])[0], [[0, 0, 9, 9, 1]])
    assert check_boxes([[]], ['a.png'])[0].shape == (0, 5)
    flat, empty = check_boxes([[0, 0, 9, 9], []], NAMES)  # one box for each image
    assert flat.shape == (1, 5) and empty.shape == (0, 5)
    for wrong in ({'a.png': []}, 'a.json', None, iter([])):
        with pytest.raises(ValueError, match='bboxes must be a list'):
            check_boxes(wrong, NAMES)
    with pytest.raises(ValueError, match='bboxes has 3 entries for 2 images'):
        check_boxes([[], [], []], NAMES)
    assert isinstance(check_boxes([{}, []], NAMES)[0], ValueError)


def test_boxes_far_outside():
    check_inside(np.array([[-299, -299, 329, 319]], np.float32), IMAGE, 'a.png')  # 10 x 30 around 30 x 20
    for box in ([-301, 0, 9, 9], [0, 0, 9, 321], [-1e30, -1e30, 1e30, 1e30]):
        with pytest.raises(ValueError, match=r'box 1 from .* beyond a\.png, which has 30x20 pixels'):
            check_inside(np.array([[0, 0, 9, 9], box], np.float32), IMAGE, 'a.png')
    with pytest.raises(ValueError, match=r'box 0 from \(30, 0\) to \(40, 9\) lies outside a\.png'):
        check_inside(np.array([[30, 0, 40, 9]], np.float32), IMAGE, 'a.png')


def test_boxes_in_fractions_of_the_image():
    with pytest.raises(ValueError, match=r'box 0 .* 30x20 pixels: give the box in pixels, not in fractions'):
        check_inside(np.array([[0.1, 0.1, 0.9, 1]], np.float32), IMAGE, 'a.png')
    check_inside(np.array([[0, 0, 1.5, 1]], np.float32), IMAGE, 'a.png')
    check_inside(np.array([[0, 0, 1, 1]], np.float32), IMAGE[:1, :1], 'a.png')  # the whole image


@pytest.mark.parametrize('text', ['nan,0,9,9', '0,0,inf,9', '-inf,0,9,9'])
def test_box_of_the_command_line(text):
    with pytest.raises(ValueError, match='finite numbers'):
        parse_box(text)
