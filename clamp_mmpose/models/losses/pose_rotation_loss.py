from typing import Optional

import roma
import torch
from mmengine.dist import all_reduce, get_world_size
from mmpose.registry import MODELS
from torch import Tensor, nn

from clamp_mmpose.utils.choices import check_choice

LARGEST_SINE = 1 - 1e-6  # of half the angle: the gradient of asin is finite


@MODELS.register_module()
class PoseRotationLoss(nn.Module):
    """How far the rotations of poses are from their labels (ChatPose, Feng et al., CVPR 2024).

    The mean over the labeled joints of a pose but its root, then over poses, plus the mean over roots: as published,
    the root weighs as much as all others. The means are over the poses of all processes.

    Args:
        kind: ``'matrix_l1'``: the mean of the 9 absolute differences of two matrices, as published; ``'geodesic'``:
            the angle between them in radians.
        weight: of the loss; 0.1 as published.
        global_weight, body_weight: of the root, and of the mean over the other joints.

    Raises:
        ValueError: another kind, or negative weights.
    """

    def __init__(
        self,
        kind: str = 'matrix_l1',
        weight: float = 0.1,
        global_weight: float = 1.0,
        body_weight: float = 1.0,
    ):
        super().__init__()
        check_choice('PoseRotationLoss: kind', kind, ('matrix_l1', 'geodesic'))
        if min(weight, global_weight, body_weight) < 0:
            raise ValueError(
                f'PoseRotationLoss: weights must not be negative, got weight={weight}, global_weight={global_weight}, '
                f'body_weight={body_weight}.'
            )
        self.kind, self.weight = kind, weight
        self.global_weight, self.body_weight = global_weight, body_weight

    def forward(self, rotations: Tensor, targets: Tensor, mask: Optional[Tensor] = None) -> Tensor:
        """
        Args:
            rotations, targets: matrices ``[P, J, 3, 3]``; joint 0 is the root.
            mask: ``[P, J]`` bool, which joints are labeled; None: all.

        Returns:
            Tensor: scalar, 0 with a gradient of zero if nothing is labeled.
        """
        errors = self.distances(rotations.float(), targets.float())
        labeled = torch.ones_like(errors, dtype=torch.bool) if mask is None else mask
        errors = torch.where(labeled, errors, torch.zeros_like(errors))
        loss = errors.sum() * 0
        for weight, part in ((self.global_weight, slice(0, 1)), (self.body_weight, slice(1, None))):
            joints = labeled[:, part].sum(dim=1)
            each = errors[:, part].sum(dim=1) / joints.clamp(min=1)
            count = (joints > 0).sum().to(each.dtype)
            all_reduce(count)
            loss = loss + weight * each.sum() * get_world_size() / count.clamp(min=1)
        return self.weight * loss

    def distances(self, rotations: Tensor, targets: Tensor) -> Tensor:
        """Of matrices ``[..., 3, 3]``: ``[...]``."""
        if self.kind == 'matrix_l1':
            return (rotations - targets).abs().mean(dim=(-2, -1))
        return roma.rotmat_geodesic_distance(rotations, targets, clamping=LARGEST_SINE)
