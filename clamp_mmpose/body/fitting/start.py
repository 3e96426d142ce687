"""Where fits begin: the mean pose turned to several sides, put over the keypoints."""

import math
from typing import Tuple

import torch
from torch import Tensor

from clamp_mmpose.body.rotations import axis_angle_to_matrix


def turned_roots(number: int) -> Tensor:
    """Roots ``[number, 3, 3]`` of upright people, from the one who faces the camera around, float64."""
    turn = torch.arange(number, dtype=torch.float64) * 2 * math.pi / number
    zero = torch.zeros_like(turn)
    around = axis_angle_to_matrix(torch.stack([zero, turn, zero], -1))
    return axis_angle_to_matrix(turn.new_tensor([math.pi, 0, 0])) @ around


def place(points: Tensor, keypoints: Tensor, weights: Tensor, focal: Tensor) -> Tuple[Tensor, Tensor]:
    """The turn about the camera's axis and the translation that put points over keypoints, by least squares.

    This is right for people whose depth is small against their distance.

    Args:
        points: ``[B, K, 3]`` meters, in the camera's frame but for these.
        keypoints: ``[B, K, 2]`` pixels from the principal point.
        weights: ``[B, K]``; 0: not used.
        focal: ``[B]`` pixels.

    Returns:
        tuple: rotations ``[B, 3, 3]``, translations ``[B, 3]`` meters.
    """
    weights = (weights / weights.sum(1, keepdim=True))[..., None]
    middle, target = (weights * points).sum(1), (weights * keypoints).sum(1)
    first = torch.view_as_complex((points - middle[:, None])[..., :2].contiguous())
    second = torch.view_as_complex((keypoints - target[:, None]).contiguous())
    weights = weights[..., 0]
    turn = (weights * first.conj() * second).sum(1) / (weights * first.abs() ** 2).sum(1).clamp(min=1e-9)
    zero = torch.zeros_like(focal)
    rotation = axis_angle_to_matrix(torch.stack([zero, zero, turn.angle()], -1))
    depth = focal / turn.abs().clamp(min=1e-3)  # pixels for a meter
    sight = torch.cat([target, focal[:, None]], -1) * (depth / focal)[:, None]
    return rotation, sight - (rotation @ middle[..., None])[..., 0]
