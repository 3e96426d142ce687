"""A pose as our JSON files have it: ``{"axis_angle": [24 x [x, y, z]], "joints": [names]}``.

The rotations are SMPL's, in radians, the first one in the camera's frame. ``joints`` names those that are labeled;
without it, all are.
"""

from typing import Any, Optional, Sequence, Tuple

import numpy as np
import torch

from .rotations import axis_angle_to_matrix, matrix_to_axis_angle
from .smpl_joints import JOINT_NAMES, NUM_JOINTS

EXPECTED = f'expected {{"axis_angle": [{NUM_JOINTS} x [x, y, z]]}}, in radians'


def pose_fault(entry: Any) -> Optional[Tuple[str, str]]:
    """What is wrong with a pose: ``'structure'``, ``'joints'`` or ``'finite'``, and a text; None if nothing is."""
    rows = entry.get('axis_angle') if isinstance(entry, dict) else None
    if rows is None:
        return 'structure', f'{EXPECTED}, got {entry!r:.60}'
    values = _array(rows)
    if values is None:
        return 'structure', f'{EXPECTED}, got {rows!r:.60}'
    if values.shape != (NUM_JOINTS, 3):
        return 'structure', f'{EXPECTED}, got numbers of shape {list(values.shape)}'
    if not np.isfinite(values).all():
        joint = JOINT_NAMES[int(np.flatnonzero(~np.isfinite(values).all(1))[0])]
        return 'finite', f'the rotation of {joint!r} is not finite'
    names = entry.get('joints', JOINT_NAMES)
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names) or not names:
        return 'joints', f'joints must be a list of names, got {names!r:.60}'
    wrong = [name for name in names if _plain(name) not in JOINT_NAMES]
    if wrong:
        return 'joints', f'{wrong[0]!r:.40} is no joint of SMPL: expected names such as {", ".join(JOINT_NAMES[:3])}'
    return None


def read_poses(entries: Sequence[dict]) -> Tuple[np.ndarray, np.ndarray]:
    """Axis-angle vectors ``[P, 24, 3]`` float32 and which joints are labeled ``[P, 24]`` bool.

    Raises:
        ValueError: an entry is not a pose.
    """
    turns, masks = np.zeros((len(entries), NUM_JOINTS, 3), np.float32), np.zeros((len(entries), NUM_JOINTS), bool)
    for i, entry in enumerate(entries):
        fault = pose_fault(entry)
        if fault:
            raise ValueError(f'pose {i}: {fault[1]}.')
        turns[i] = entry['axis_angle']
        named = {_plain(name) for name in entry.get('joints', JOINT_NAMES)}
        masks[i] = [name in named for name in JOINT_NAMES]
    return turns, masks


def pose_entry(rotations: np.ndarray, mask: Optional[np.ndarray] = None) -> dict:
    """The entry of a pose, from matrices ``[24, 3, 3]`` and which joints are labeled ``[24]`` (None: all)."""
    turns = to_axis_angle(rotations).round(6)
    entry: dict = dict(axis_angle=[[float(value) for value in row] for row in turns])
    if mask is not None and not np.all(mask):
        entry['joints'] = [name for name, labeled in zip(JOINT_NAMES, mask) if labeled]
    return entry


def to_matrices(axis_angle: np.ndarray) -> np.ndarray:
    """Axis-angle vectors ``[..., 3]`` -> float32 matrices ``[..., 3, 3]``."""
    return axis_angle_to_matrix(torch.as_tensor(np.asarray(axis_angle, np.float64))).numpy().astype(np.float32)


def to_axis_angle(matrices: np.ndarray) -> np.ndarray:
    """Matrices ``[..., 3, 3]`` -> float64 axis-angle vectors ``[..., 3]``."""
    return matrix_to_axis_angle(torch.as_tensor(np.asarray(matrices, np.float64))).numpy()


def _array(rows: Any) -> Optional[np.ndarray]:
    """Numbers of a regular shape; None for anything else."""
    try:
        values = np.array(rows)
    except ValueError:  # rows of different lengths
        return None
    return values.astype(float) if values.dtype.kind in 'iuf' else None


def _plain(name: str) -> str:
    """'Left_Hip' -> 'left hip'."""
    return name.replace('_', ' ').lower()
