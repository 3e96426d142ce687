from typing import Tuple

import numpy as np

# SMPL's tree, as in body/smpl_joints.py, which this folder is below
PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21)
LEFT, RIGHT = (1, 4, 7, 10, 13, 16, 18, 20, 22), (2, 5, 8, 11, 14, 17, 19, 21, 23)
NECK, HEAD = 12, 15
MIDDLE_COLOR, LEFT_COLOR, RIGHT_COLOR = (185, 185, 185), (255, 165, 60), (60, 140, 255)  # BGR
WAIST, THICKNESS = 0.2, 0.17  # where a bone is thickest and how thick, in its lengths
THINNEST, THICKEST = 0.024, 0.06  # meters
SKULL = 0.1  # its radius in meters, at SMPL's head joint, which is the base of the skull


def skeleton_mesh(joints: np.ndarray) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A mesh of bones, octahedra from each joint to its children and a ball as head, to draw a body without surface.

    Args:
        joints: ``[24, 3]`` meters, in SMPL's order.

    Returns:
        tuple: vertices ``[V, 3]``; faces ``[F, 3]``, counter-clockwise from outside; BGR colors ``[V, 3]`` uint8: the
        person's left side is blue, the right side orange.
    """
    parts = [_bone(joints[PARENTS[child]], joints[child]) for child in range(1, len(PARENTS))]
    colors = [
        LEFT_COLOR if child in LEFT else RIGHT_COLOR if child in RIGHT else MIDDLE_COLOR
        for child in range(1, len(PARENTS))
    ]
    up = _direction(joints[HEAD] - joints[NECK])
    parts.append(_ball(joints[HEAD] + SKULL * up, SKULL))
    colors.append(MIDDLE_COLOR)
    starts = np.cumsum([0, *(len(vertices) for vertices, _ in parts)])
    return (
        np.concatenate([vertices for vertices, _ in parts]),
        np.concatenate([faces + start for (_, faces), start in zip(parts, starts)]),
        np.concatenate([np.tile(np.array(color, np.uint8), (len(part[0]), 1)) for color, part in zip(colors, parts)]),
    )


def _bone(start: np.ndarray, end: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    along = end - start
    length = float(np.linalg.norm(along))
    ahead = _direction(along)
    side = _direction(np.cross(ahead, np.eye(3)[np.argmin(np.abs(ahead))]))
    other = np.cross(ahead, side)
    radius = min(max(THICKNESS * length, THINNEST), THICKEST)
    ring = start + WAIST * along + radius * np.stack([side, other, -side, -other])
    around = np.arange(4)
    after = (around + 1) % 4
    lower = np.stack([np.full(4, 4), after, around], 1)
    upper = np.stack([np.full(4, 5), around, after], 1)
    return np.concatenate([ring, [start, end]]), np.concatenate([lower, upper])


def _ball(center: np.ndarray, radius: float, around: int = 16, rings: int = 8) -> Tuple[np.ndarray, np.ndarray]:
    polar, turn = np.meshgrid(
        np.pi * np.arange(1, rings) / rings, 2 * np.pi * np.arange(around) / around, indexing='ij'
    )
    ring = np.stack([np.sin(polar) * np.cos(turn), np.cos(polar), -np.sin(polar) * np.sin(turn)], -1).reshape(-1, 3)
    vertices = center + radius * np.concatenate([ring, [[0, 1, 0], [0, -1, 0]]])
    top, bottom = len(ring), len(ring) + 1
    here = np.arange((rings - 2) * around)
    nexts = here // around * around + (here + 1) % around
    first, after = np.arange(around), (np.arange(around) + 1) % around
    last = first + (rings - 2) * around
    faces = [
        np.stack([here, here + around, nexts], 1),
        np.stack([nexts, here + around, nexts + around], 1),
        np.stack([np.full(around, top), first, after], 1),
        np.stack([np.full(around, bottom), last[after], last], 1),
    ]
    return vertices, np.concatenate(faces)


def _direction(vector: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vector)
    return vector / length if length > 1e-6 else np.array([0.0, 1, 0])
