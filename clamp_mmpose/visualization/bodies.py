"""A body from four sides, drawn on the CPU in NumPy."""

from typing import List, Optional

import cv2
import numpy as np

from clamp_mmpose.utils.choices import check_choice

from .rasterize import rasterize
from .skeleton_mesh import skeleton_mesh
from .text import put_text

VIEWS = ('front', 'left side', 'back', 'right side')
FRAMES = ('camera', 'body')
NUM_JOINTS = 24
LEFT_HIP, RIGHT_HIP, NECK, LEFT_SHOULDER, RIGHT_SHOULDER = 1, 2, 12, 16, 17
BODY_COLOR = (215, 190, 165)  # BGR
BACKGROUND = 255
LIGHT = np.array([-0.35, -0.55, -0.76])  # towards the light, from the upper left behind the viewer
AMBIENT, DIFFUSE = 0.42, 0.62
SMOOTH = 2  # pixels are drawn this much finer, then averaged
MARGIN, CAPTION = 0.05, 0.1  # of the side of a view
UPRIGHT = 0.3  # sine of a torso's angle to the ground; below it, a person lies


def draw_four_views(
    joints: np.ndarray,
    vertices: Optional[np.ndarray] = None,
    faces: Optional[np.ndarray] = None,
    size: int = 256,
    frame: str = 'camera',
) -> np.ndarray:
    """Draw a body from the front, its left side, the back and its right side, all in the same scale.

    The viewer turns about the vertical axis; front is where the torso faces. Someone who lies on the back or the belly
    is seen from the feet, the left side, the head and the right side. The projection is parallel.

    Args:
        joints: ``[24, 3]`` meters, in SMPL's order. Without a mesh, bones are drawn: the person's left side in blue,
            the right side in orange.
        vertices: ``[V, 3]`` meters, of a mesh in the same frame.
        faces: ``[F, 3]`` indices of vertices.
        size: side of each view in pixels.
        frame: ``'camera'``: x right, y down, z away; ``'body'``: x left, y up, z to the front.

    Returns:
        np.ndarray: BGR uint8 ``[size, 4 * size, 3]``.

    Raises:
        ValueError: another number of joints, numbers that are not finite, vertices without faces or the reverse.
    """
    check_choice('frame', frame, FRAMES)
    joints = _points('joints', joints, frame)
    if len(joints) != NUM_JOINTS:
        raise ValueError(f"expected {NUM_JOINTS} joints in SMPL's order, got {len(joints)}.")
    if (vertices is None) != (faces is None):
        raise ValueError('a mesh has vertices and faces: give both or neither.')
    if vertices is None or faces is None:
        points, triangles, colors = skeleton_mesh(joints)
    else:
        points, triangles = _points('vertices', vertices, frame), np.asarray(faces)
        colors = np.full(points.shape, BODY_COLOR)
    normals = vertex_normals(points, triangles)
    turns = _viewers(joints)
    seen = [points @ turn.T for turn in turns]
    centers = [(view.max(0) + view.min(0)) / 2 for view in seen]
    extent = max(float((view.max(0) - view.min(0))[:2].max()) for view in seen)
    fine = SMOOTH * size
    scale = fine * (1 - 2 * MARGIN - CAPTION) / max(extent, 1e-6)
    middle = np.array([fine / 2, fine * (1 + CAPTION) / 2, 0]) - 0.5
    tiles = []
    for name, turn, view, center in zip(VIEWS, turns, seen, centers):
        shaded = colors * _light(normals @ turn.T)[:, None]
        drawn = rasterize((view - center) * scale + middle, shaded, triangles, (fine, fine))
        tile = drawn[..., :3] + BACKGROUND * (1 - drawn[..., 3:])
        tile = cv2.resize(tile, (size, size), interpolation=cv2.INTER_AREA).clip(0, 255).astype(np.uint8)
        put_text(tile, name, (round(0.03 * size), round(0.075 * size)), size / 600, (90, 90, 90))
        tiles.append(tile)
    return np.hstack(tiles)


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Unit normals ``[V, 3]`` of a mesh, those of its faces weighted by area; they point to where faces are seen
    counter-clockwise."""
    first, second, third = (vertices[faces[:, i]] for i in range(3))
    of_faces = np.cross(second - first, third - first)
    corners = faces.ravel()
    normals = np.stack([np.bincount(corners, np.repeat(of_faces[:, i], 3), len(vertices)) for i in range(3)], 1)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def _points(name: str, values: np.ndarray, frame: str) -> np.ndarray:
    """Points in the camera's frame."""
    points = np.asarray(values, np.float64)
    if points.ndim != 2 or points.shape[1] != 3 or not len(points):
        raise ValueError(f'{name}: expected [N, 3], got {list(points.shape)}.')
    if not np.isfinite(points).all():
        raise ValueError(f'{name} have numbers that are not finite.')
    return points if frame == 'camera' else points * [1, -1, -1]


def _viewers(joints: np.ndarray) -> List[np.ndarray]:
    """Rotations of the camera's frame into that of each viewer, who stands upright."""
    across = joints[LEFT_HIP] - joints[RIGHT_HIP] + joints[LEFT_SHOULDER] - joints[RIGHT_SHOULDER]
    spine = joints[NECK] - (joints[LEFT_HIP] + joints[RIGHT_HIP]) / 2
    ahead = np.cross(across, spine)
    ahead /= max(float(np.linalg.norm(ahead)), 1e-9)
    front, left = _level(ahead), _level(across)
    if np.linalg.norm(front) < UPRIGHT:
        front = -_level(spine)
    if np.linalg.norm(front) < 1e-6:
        front = np.array([0.0, 0, -1])
    front /= np.linalg.norm(front)
    side = np.array([-front[2], 0, front[0]])
    # of someone upside down, the left side is on the other side
    side *= 1 if side @ left >= 0 else -1
    return [_look(towards) for towards in (front, side, -front, -side)]


def _level(vector: np.ndarray) -> np.ndarray:
    return vector * [1, 0, 1]


def _look(towards: np.ndarray) -> np.ndarray:
    """Rows: right, down and away of a viewer who stands in this horizontal direction and looks at the body."""
    away, down = -towards, np.array([0.0, 1, 0])
    return np.stack([np.cross(down, away), down, away])


def _light(normals: np.ndarray) -> np.ndarray:
    """Brightness ``[V]`` of normals in a viewer's frame; what is seen faces the viewer, however faces are wound."""
    facing = normals * np.where(normals[:, 2:] > 0, -1, 1)
    return AMBIENT + DIFFUSE * np.maximum(facing @ (LIGHT / np.linalg.norm(LIGHT)), 0)
