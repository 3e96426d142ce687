"""Rotations of joints: matrices ``[..., 3, 3]`` on column vectors, axis-angle vectors ``[..., 3]`` in radians, 6D."""

import math
from typing import Tuple

import roma
import torch
from torch import Tensor

# a column this short, or this much of one that is not along the other, has no direction in float32
SMALLEST = 1e-6


def six_to_matrix(six: Tensor, repair: bool = False) -> Tensor:
    """Matrices of 6D rotations (Zhou et al., CVPR 2019), in the layout of HMR2.0 and ChatPose.

    Args:
        six: ``[..., 6]``: the first column before Gram-Schmidt, then the second one, of any length.
        repair: rows without a rotation become the identity, which has no gradient; else they are an error.

    Returns:
        float32 or float64 matrices ``[..., 3, 3]``.

    Raises:
        ValueError: a row has a column near zero, two parallel ones, or numbers that are not finite.
    """
    six = six.float() if six.dtype in (torch.float16, torch.bfloat16) else six
    wrong = is_degenerate(six)
    if not repair and bool(wrong.any()):
        row = wrong.nonzero()[0].tolist()
        raise ValueError(
            f'the 6D rotation at {row} is none: {six[tuple(row)].tolist()}, expected two columns that are finite, '
            'longer than 0 and not parallel.'
        )
    if repair:
        six = torch.where(wrong[..., None], six.new_tensor([1.0, 0, 0, 0, 1, 0]), six)
    return roma.special_gramschmidt(six.unflatten(-1, (2, 3)).transpose(-1, -2))


def is_degenerate(six: Tensor) -> Tensor:
    """Which 6D rotations ``[..., 6]`` are none ``[...]``: Gram-Schmidt has no direction for a column."""
    first, second = six.detach().unflatten(-1, (2, 3)).unbind(-2)
    length, other = first.norm(dim=-1), second.norm(dim=-1)
    area = torch.linalg.cross(first, second, dim=-1).norm(dim=-1)  # length * other * sine of the angle
    return ~((length > SMALLEST) & (other > SMALLEST) & (area > SMALLEST * length * other) & area.isfinite())


def matrix_to_six(matrix: Tensor) -> Tensor:
    """Matrices ``[..., 3, 3]`` -> 6D ``[..., 6]``: the first column, then the second."""
    return matrix[..., :2].transpose(-1, -2).flatten(-2)


def axis_angle_to_matrix(axis_angle: Tensor) -> Tensor:
    """Axis-angle vectors ``[..., 3]`` in radians -> matrices ``[..., 3, 3]``; zeros are the identity."""
    return roma.rotvec_to_rotmat(axis_angle)


def matrix_to_axis_angle(matrix: Tensor) -> Tensor:
    """Matrices ``[..., 3, 3]`` -> axis-angle ``[..., 3]``, angles in [0, pi]; at pi the sign of the axis is free."""
    return roma.rotmat_to_rotvec(matrix)


def geodesic(first: Tensor, second: Tensor) -> Tensor:
    """Angles ``[...]`` in radians between rotations ``[..., 3, 3]``."""
    return roma.rotmat_geodesic_distance(first, second)


def amass_root_to_camera(axis_angle: Tensor) -> Tensor:
    """Roots of AMASS, z up -> a camera's frame, y down, seen from the front, as ChatPose has PoseScript's poses.

    The turn about the vertical axis, the z angle of extrinsic x, y, z angles, becomes zero; then x turns by 90 degrees.

    At y = +-90 degrees, where only the sum or the difference of x and z is known, z is zero already, as in SciPy.

    Args:
        axis_angle: ``[..., 3]`` in radians.

    Returns:
        matrices ``[..., 3, 3]``.
    """
    matrix = axis_angle_to_matrix(axis_angle.double())  # float32 is off by tens of degrees near y = +-90
    x, y, _ = euler_angles(matrix)
    zero = torch.zeros_like(x)
    around_x, around_y = (axis_angle_to_matrix(torch.stack(turn, -1)) for turn in ((x, zero, zero), (zero, y, zero)))
    upright = axis_angle_to_matrix(matrix.new_tensor([math.pi / 2, 0, 0]))
    return (upright @ around_y @ around_x).to(axis_angle.dtype)


def euler_angles(matrix: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
    """Extrinsic x, y and z angles ``[...]`` in radians of matrices ``[..., 3, 3]`` = Rz Ry Rx."""
    x, y, z = roma.rotmat_to_euler('xyz', matrix).unbind(-1)
    return x, y, z
