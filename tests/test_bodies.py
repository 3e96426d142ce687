"""Bodies from four sides."""

import io

import numpy as np
import pytest

from clamp_mmpose.body.skeleton_body import REST
from clamp_mmpose.body.smpl_joints import JOINT_NAMES
from clamp_mmpose.body.smpl_joints import PARENTS as SMPL_PARENTS
from clamp_mmpose.visualization import draw_four_views
from clamp_mmpose.visualization.gltf import to_glb
from clamp_mmpose.visualization.rasterize import rasterize
from clamp_mmpose.visualization.skeleton_mesh import LEFT, PARENTS, RIGHT, skeleton_mesh

REST = np.array(REST)
FACING = REST * [1, -1, -1]  # in the camera's frame, as with the root [pi, 0, 0]
SIZE = 128


def around_y(degrees):
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])


def colors_of(views):
    """Where the left and the right side are drawn, ``[4, size, size]`` each; rows of text left out."""
    tiles = np.stack(np.split(views.astype(int), 4, axis=1))
    tiles[:, : SIZE // 8] = 255
    blue, red = tiles[..., 0], tiles[..., 2]
    return blue > red + 40, red > blue + 40


def middle_column(mask):
    return np.nonzero(mask)[1].mean() - (SIZE - 1) / 2


def test_triangles_by_hand():
    vertices = np.array([[0, 0, 1], [4, 0, 1], [0, 4, 5], [-1, -1, 3], [9, -1, 3], [-1, 9, 3]], float)
    colors = np.array([[0.0], [4], [8], [20], [20], [20]])
    near, far = [0, 1, 2], [3, 4, 5]
    alone = rasterize(vertices, colors, np.array([near]), (6, 5))
    assert alone.shape == (5, 6, 2) and alone[..., 1].sum() == 15  # 5 + 4 + 3 + 2 + 1 pixels with x + y <= 4
    assert alone[0, :5, 0].tolist() == [0, 1, 2, 3, 4] and alone[:, 0, 0].tolist() == [0, 2, 4, 6, 8]
    for order in ([near, far], [far, near], [near[::-1], far]):
        both = rasterize(vertices, colors, np.array(order), (6, 5))
        # the depth of the first one is 1 + y: beyond y = 2 the second one is nearer
        assert both[:2, 0, 0].tolist() == [0, 2] and both[3:, 0, 0].tolist() == [20, 20]
        assert both[..., 1].sum() == 29  # x + y <= 8 covers all but the corner
    flat = rasterize(vertices, colors, np.array([[0, 1, 1], [0, 0, 0]]), (6, 5))
    assert not flat.any()
    outside = rasterize(vertices + 1e6, colors, np.array([near]), (6, 5))
    assert not outside.any()


def test_many_pixels_in_parts(monkeypatch):
    generator = np.random.default_rng(0)
    vertices = generator.uniform(-5, 25, (30, 3))
    colors, faces = generator.uniform(size=(30, 3)), generator.integers(0, 30, (40, 3))
    whole = rasterize(vertices, colors, faces, (20, 20))
    monkeypatch.setattr('clamp_mmpose.visualization.rasterize.CHUNK', 50)
    assert np.array_equal(rasterize(vertices, colors, faces, (20, 20)), whole) and whole.any()


def test_bones_are_closed_and_turned_outwards():
    joints = REST + np.random.default_rng(0).normal(0, 0.1, REST.shape)
    vertices, faces, colors = skeleton_mesh(joints)
    assert vertices.shape == colors.shape and faces.max() == len(vertices) - 1
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    assert len(np.unique(edges, axis=0)) == len(edges)  # each direction once, and the other one by its neighbor
    assert {tuple(edge) for edge in edges.tolist()} == {tuple(edge) for edge in edges[:, ::-1].tolist()}
    corners = vertices[faces]
    volumes = np.einsum('fi,fi->f', corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
    length = np.linalg.norm(joints[4] - joints[1])
    radius = min(0.17 * length, 0.06)
    # left hip to left knee, the fourth bone: two pyramids on a square with the diagonal 2 r
    assert volumes[24:32].sum() == pytest.approx(2 * radius**2 * length / 3)
    assert 0.9 < volumes[8 * 23 :].sum() / (4 / 3 * np.pi * 0.1**3) < 1  # the head, with flat faces
    assert PARENTS == SMPL_PARENTS
    assert [JOINT_NAMES[i] for i in LEFT] == [name for name in JOINT_NAMES if name.startswith('left')]
    assert [JOINT_NAMES[i] for i in RIGHT] == [name for name in JOINT_NAMES if name.startswith('right')]
    same_place = skeleton_mesh(np.zeros((24, 3)))[0]
    assert np.isfinite(same_place).all()


def test_four_sides():
    joints = REST.copy()
    joints[22] = [0.2, 0.45, 0.6]  # the left hand in front
    views = draw_four_views(joints * [1, -1, -1], size=SIZE)
    assert views.shape == (SIZE, 4 * SIZE, 3) and views.dtype == np.uint8
    left, right = colors_of(views)
    # who faces the viewer has the left side at the viewer's right
    assert middle_column(left[0]) > 5 and middle_column(right[0]) < -5
    assert middle_column(left[2]) < -5 and middle_column(right[2]) > 5
    # seen from the left, the front is at the viewer's left, and the left side hides the right one
    assert np.nonzero(left[1])[1].min() < SIZE / 2 - 15 and left[1].sum() > 1.5 * right[1].sum()
    assert np.nonzero(left[3])[1].max() > SIZE / 2 + 15 and right[3].sum() > 1.5 * left[3].sum()
    # in both frames, and however the person is turned to the camera
    assert np.array_equal(draw_four_views(joints, size=SIZE, frame='body'), views)
    for degrees in (30, 90, 180, 300):
        turned = draw_four_views(joints * [1, -1, -1] @ around_y(degrees).T + [3, 2, 1], size=SIZE)
        changed, other_side = (np.abs(other.astype(int) - views).mean() for other in (turned, np.roll(views, SIZE, 1)))
        assert changed < 0.2 * other_side  # the edges of a bone turn about it


def test_all_views_have_one_scale():
    tiles = np.stack(np.split(draw_four_views(FACING, size=SIZE).astype(int), 4, axis=1))
    tiles[:, : SIZE // 8] = 255
    rows, columns = (tiles < 245).any(axis=(2, 3)), (tiles < 245).any(axis=(1, 3))
    heights = [np.ptp(np.flatnonzero(row)) + 1 for row in rows]
    widths = [np.ptp(np.flatnonzero(column)) + 1 for column in columns]
    assert np.ptp(heights) <= 1 and np.ptp(widths[::2]) <= 1 and np.ptp(widths[1::2]) <= 1
    # from the feet, -0.96, to the top of the head; from hand to hand
    top = 0.61 + 0.1 * 0.09 / np.hypot(0.09, 0.04) + 0.1
    assert widths[0] / heights[0] == pytest.approx(1.58 / (top + 0.96), abs=0.03)
    assert heights[0] == pytest.approx(0.8 * SIZE, abs=2)  # 0.05 at both ends, 0.1 for the name


def test_lying_and_upside_down():
    # on the back, head away from the camera: x right, y down
    lying = np.stack([FACING[:, 0], FACING[:, 2], -FACING[:, 1]], 1) @ around_y(35).T
    left, right = colors_of(draw_four_views(lying, size=SIZE))
    assert left[1].sum() > 1.5 * right[1].sum() and right[3].sum() > 1.5 * left[3].sum()
    assert middle_column(left[0]) > 5 and middle_column(left[2]) < -5  # from the feet, then from the head
    handstand = FACING * [-1, -1, 1]  # turned in the image plane
    left, right = colors_of(draw_four_views(handstand, size=SIZE))
    assert middle_column(left[0]) < -10 and left[1].sum() > 1.5 * right[1].sum()
    assert draw_four_views(np.zeros((24, 3)), size=SIZE).shape == (SIZE, 4 * SIZE, 3)


def test_a_mesh():
    """A box around the person, wound either way: a bright top towards the light, the whole height."""
    corners = np.stack(np.meshgrid([-0.3, 0.3], [-1, 1], [-0.1, 0.1], indexing='ij'), -1).reshape(-1, 3)
    faces = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]])
    faces = np.concatenate([faces[:, :3], faces[:, [0, 2, 3]]])
    views = draw_four_views(FACING, corners, faces, SIZE)
    assert np.array_equal(draw_four_views(FACING, corners, faces[:, ::-1], SIZE), views)
    inside = (views < 250).any(2)[SIZE // 8 :]
    widths = [inside[SIZE // 2, i * SIZE : (i + 1) * SIZE].sum() for i in range(4)]
    height = inside[:, SIZE // 2].sum()
    assert height == pytest.approx(0.8 * SIZE, abs=1)
    assert widths == pytest.approx([0.3 * height, 0.1 * height] * 2, abs=1.5)


def test_wrong_bodies_are_refused():
    for values, message in (
        (dict(joints=FACING[:22]), "expected 24 joints in SMPL's order, got 22"),
        (dict(joints=FACING[:, :2]), r'joints: expected \[N, 3\], got \[24, 2\]'),
        (dict(joints=np.full((24, 3), np.nan)), 'joints have numbers that are not finite'),
        (dict(joints=FACING, vertices=FACING), 'give both or neither'),
        (dict(joints=FACING, frame='world'), "frame='world', expected one of 'camera', 'body'"),
    ):
        with pytest.raises(ValueError, match=message):
            draw_four_views(**values)


@pytest.mark.parametrize('smooth', [False, True])
def test_a_mesh_for_web_pages(smooth):
    """As trimesh reads it."""
    trimesh = pytest.importorskip('trimesh')
    vertices, faces, colors = skeleton_mesh(REST)
    normals = np.tile([0.0, 0.6, 0.8], (len(vertices), 1)) if smooth else None
    content = to_glb(vertices, faces, colors, normals)
    assert content[:4] == b'glTF' and len(content) == int.from_bytes(content[8:12], 'little')
    (read,) = trimesh.load(io.BytesIO(content), file_type='glb', process=False).geometry.values()
    assert np.allclose(read.vertices, vertices, atol=1e-6) and np.array_equal(read.faces, faces)
    assert colors[0].tolist() == [255, 165, 60]  # BGR of the left hip; linear RGB: 255 * (60 / 255) ** 2.2 ...
    assert read.visual.vertex_attributes['color'][0].tolist() == [11, 98, 255, 255]
    if smooth:
        assert np.allclose(read.vertex_normals, normals)
