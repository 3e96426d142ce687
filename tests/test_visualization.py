import json

import cv2
import matplotlib.figure
import numpy as np
import pytest

from clamp_mmpose.visualization import (
    draw_named_keypoints,
    draw_similarity_matrices,
    draw_training_curves,
    score_map_grid,
)
from clamp_mmpose.visualization.named_keypoints import PALETTE
from clamp_mmpose.visualization.score_maps import title
from clamp_mmpose.visualization.text import drawable, text_size


def test_named_keypoints():
    image = np.full((120, 160, 3), 128, np.uint8)
    points = np.array([[40, 60], [100, 60], [np.nan, 3]])
    drawn = draw_named_keypoints(
        image, points, ['nose', 'tail', 'neck'], scores=np.array([0.9, 0.1, 0.9]), links=[(0, 1)]
    )
    assert tuple(drawn[60, 40]) == PALETTE[0]
    assert (image == 128).all()  # the caller's image is not changed
    assert (drawn[50:70, 90:110] == 128).all()  # below the threshold: no keypoint, and no link to it
    nothing = draw_named_keypoints(image, points, ['nose', 'tail', 'neck'], scores=np.zeros(3))
    assert (nothing == image).all()
    name_alone = (drawn != 128).any(axis=2)
    name_alone[54:67, 34:47] = False
    assert name_alone.any() and name_alone[:, 47:].any()  # the name is to the right of its keypoint


def test_names_do_not_cover_each_other():
    image = np.zeros((200, 200, 3), np.uint8)
    together = draw_named_keypoints(image, np.array([[100.0, 100.0], [101.0, 101.0]]), ['left eye', 'right eye'])
    red, blue = together[..., 0].astype(int), together[..., 2].astype(int)
    inks = [red > blue + 40, blue > red + 40]  # the first name is orange, the second sky blue
    boxes = []
    for ink in inks:
        ink[95:107, 95:107] = False  # the keypoints themselves
        y, x = np.nonzero(ink)
        boxes.append((x.min(), y.min(), x.max(), y.max()))
    (ax1, ay1, ax2, ay2), (bx1, by1, bx2, by2) = boxes
    assert ax2 < bx1 or bx2 < ax1 or ay2 < by1 or by2 < ay1


def test_score_map_grid_is_bright_where_the_prompt_matches():
    image = np.full((60, 80, 3), 200, np.uint8)
    maps = np.zeros((3, 60, 80), np.float32)
    maps[0, 30:, 40:] = 1  # lower right quarter
    grid = score_map_grid(image, maps, ['nose', 'neck', 'tail'], columns=2, tile_width=160)
    title = 22
    tile = title + 120
    assert grid.shape == (2 * tile, 320, 3)
    assert grid[title + 100, 140, 0] == 200 and grid[title + 20, 20, 0] == 30  # 0.15 of 200
    half = score_map_grid(
        image, np.linspace(0, 1, 81, dtype=np.float32)[None, None, :-1].repeat(60, 1), ['nose'], tile_width=80
    )
    middle = 39 / 79  # of the map's range, squared
    assert half[title + 10, 39, 0] == int(200 * (0.15 + 0.85 * middle**2))
    assert (grid[tile:, 160:] == 255).all()  # the fourth tile is white


def test_similarity_matrices(tmp_path, monkeypatch):
    drawn = []
    original = matplotlib.figure.Figure.savefig
    monkeypatch.setattr(
        matplotlib.figure.Figure,
        'savefig',
        lambda self, *args, **kwargs: drawn.append(self) or original(self, *args, **kwargs),
    )
    after = np.array([[1.0, -0.5], [np.nan, np.nan]])
    path = tmp_path / 'similarity.png'
    draw_similarity_matrices({'before': np.zeros((2, 2)), 'after': after}, ['nose', 'tail'], path)
    assert cv2.imread(str(path)).shape[0] > 100
    panels = [axes for axes in drawn[0].axes if axes.get_title()]
    assert [axes.get_title() for axes in panels] == ['before', 'after']
    np.testing.assert_array_equal(panels[1].images[0].get_array().filled(np.nan), after)
    # one scale for both, so that the panels can be compared
    assert [axes.images[0].get_clim() for axes in panels] == [(-0.5, 1.0), (-0.5, 1.0)]
    assert [label.get_text() for label in panels[0].get_yticklabels()] == ['nose', 'tail']


def test_training_curves(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(matplotlib.figure.Figure, 'savefig', lambda self, *args, **kwargs: drawn.append(self))
    (tmp_path / 'a.json').write_text(
        '{"loss_kpt": 0.5, "epoch": 1, "step": 20}\n{"loss_kpt": 0.25, "epoch": 2, '
        '"step": 40}\n{"coco/AP": 0.75, "step": 2}\n'
    )
    (tmp_path / 'b.json').write_text(json.dumps(dict(loss_kpt=0.5, epoch=1, step=20)))
    logs = dict(a=tmp_path / 'a.json', b=tmp_path / 'b.json')
    draw_training_curves(logs, ['loss_kpt', 'coco/AP'], tmp_path / 'curves.png')
    loss, accuracy = drawn[0].axes
    assert [line.get_xydata().tolist() for line in loss.lines] == [[[1, 0.5], [2, 0.25]], [[1, 0.5]]]
    assert [line.get_label() for line in accuracy.lines] == ['a']
    assert accuracy.lines[0].get_xydata().tolist() == [[2, 0.75]]


@pytest.mark.parametrize(
    'name',
    ['\ud800', 'a\x00b', 'a\nb', 'μύτη', '鼻子', '😀 👩‍🚀', '\u202eeye', 'x' * 10_000, '', 'lèvre', '$\\frac{'],
    ids=ascii,
)
def test_any_name_can_be_drawn(name, tmp_path):
    image = np.full((60, 240, 3), 128, np.uint8)
    drawn = draw_named_keypoints(image, np.array([[20.0, 30.0]]), [name])
    assert drawn.shape == image.shape and (drawn != image).any()
    assert score_map_grid(image, np.random.default_rng(0).random((1, 6, 8)), [name]).shape == (82, 240, 3)
    draw_similarity_matrices({name: np.eye(1)}, [name], tmp_path / 'matrix.png')


def test_other_scripts_are_readable():
    """Each word looks different, which question marks would not; long names are cut."""
    widths, inks = [], []
    for name in ('μύτη', 'уши', 'lèvre', 'nose'):
        strip = title(name, 100)
        widths.append(text_size(name, 0.5)[0])
        inks.append(int((strip < 128).sum()))
        columns = np.flatnonzero((strip < 200).any(axis=(0, 2)))
        assert 3 <= columns[0] <= 7 and abs(columns[-1] - 4 - widths[-1]) <= 4
    assert min(inks) > 60 and len(set(inks)) == 4
    assert drawable('x' * 100) == 'x' * 57 + '...'
    assert drawable('left \ud800 eye\n\x00') == 'left ? eye ?'
