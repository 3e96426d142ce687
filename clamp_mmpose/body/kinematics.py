"""Forward kinematics of a tree of joints, and linear blend skinning (Loper et al., SMPL, 2015, eq. 2 to 4)."""

from typing import Sequence, Tuple

import torch
from torch import Tensor

from .smpl_joints import NUM_JOINTS


def forward_kinematics(rotations: Tensor, rest: Tensor, parents: Sequence[int]) -> Tuple[Tensor, Tensor]:
    """Where joints are, and how their bones moved.

    Args:
        rotations: ``[B, J, 3, 3]``, each relative to the parent's; the first one is the whole body's.
        rest: joints in the rest pose, ``[J, 3]`` or ``[B, J, 3]`` meters.
        parents: of each joint; -1 for the first, the others after their parents.

    Returns:
        tuple: joints ``[B, J, 3]``; transforms ``[B, J, 4, 4]`` of points of the rest pose.
    """
    rest = rest.expand(len(rotations), -1, -1)
    turns, places = [rotations[:, 0]], [rest[:, 0]]
    for joint, parent in enumerate(parents[1:], 1):
        turns.append(turns[parent] @ rotations[:, joint])
        bone = (rest[:, joint] - rest[:, parent])[..., None]
        places.append(places[parent] + (turns[parent] @ bone)[..., 0])
    turned, joints = torch.stack(turns, 1), torch.stack(places, 1)
    moved = joints - (turned @ rest[..., None])[..., 0]
    last = turned.new_tensor([0.0, 0, 0, 1]).expand(*turned.shape[:2], 1, 4)
    return joints, torch.cat([torch.cat([turned, moved[..., None]], -1), last], -2)


def blend_skinning(vertices: Tensor, weights: Tensor, transforms: Tensor) -> Tensor:
    """Vertices that follow their bones.

    Args:
        vertices: of the rest pose, ``[V, 3]`` or ``[B, V, 3]`` meters.
        weights: ``[V, J]``, each row sums to 1.
        transforms: ``[B, J, 4, 4]`` of :func:`forward_kinematics`.

    Returns:
        ``[B, V, 3]``.
    """
    batch, axes = len(transforms), transforms[:, :, :3].permute(0, 2, 3, 1)
    # one product for the batch, [12 B, J] by [J, V], and all x, then y, then z: takes 0.4 of the time of [B, V, 3]
    blended = (axes.flatten(0, 2) @ weights.T).view(batch, 3, 4, -1)
    columns = vertices.expand(batch, -1, -1).transpose(1, 2)[:, None]
    moved = blended[:, :, 3]
    for axis in range(3):
        moved = torch.addcmul(moved, blended[:, :, axis], columns[:, :, axis])
    return moved.transpose(1, 2).contiguous()


def check_rotations(rotations: Tensor) -> None:
    """Raise a ValueError unless they are ``[B, 24, 3, 3]``."""
    if rotations.shape[1:] != (NUM_JOINTS, 3, 3):
        raise ValueError(f'expected rotations [B, {NUM_JOINTS}, 3, 3], got {list(rotations.shape)}.')
