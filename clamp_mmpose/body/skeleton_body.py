from typing import Optional

import torch
from torch import Tensor, nn

from .kinematics import check_rotations, forward_kinematics
from .output import BodyOutput
from .smpl_joints import JOINT_NAMES, PARENTS

# meters, arms stretched sideways; round numbers of an adult of 1.7 m, made for this package: x to the person's left,
# y up, z to the front, the pelvis at zero
REST = (
    (0.0, 0.0, 0.0),
    (0.09, -0.08, 0.0),
    (-0.09, -0.08, 0.0),
    (0.0, 0.11, -0.02),
    (0.1, -0.48, 0.0),
    (-0.1, -0.48, 0.0),
    (0.0, 0.24, -0.02),
    (0.1, -0.9, -0.02),
    (-0.1, -0.9, -0.02),
    (0.0, 0.3, 0.0),
    (0.11, -0.96, 0.1),
    (-0.11, -0.96, 0.1),
    (0.0, 0.52, -0.02),
    (0.08, 0.43, -0.02),
    (-0.08, 0.43, -0.02),
    (0.0, 0.61, 0.02),
    (0.18, 0.45, -0.02),
    (-0.18, 0.45, -0.02),
    (0.45, 0.45, -0.02),
    (-0.45, 0.45, -0.02),
    (0.7, 0.45, -0.02),
    (-0.7, 0.45, -0.02),
    (0.79, 0.45, -0.02),
    (-0.79, 0.45, -0.02),
)


class SkeletonBody(nn.Module):
    """A skeleton of SMPL's 24 joints with made-up bones, which needs no file and has no surface.

    Its errors in millimeters are not those of SMPL's joints, and must not be compared with published ones.
    """

    name = 'skeleton'
    joint_names = JOINT_NAMES
    parents = PARENTS
    faces = None

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer('rest', torch.tensor(REST), persistent=False)

    def forward(
        self, rotations: Tensor, betas: Optional[Tensor] = None, translation: Optional[Tensor] = None
    ) -> BodyOutput:
        """
        Args:
            rotations: ``[B, 24, 3, 3]``, the first one is the whole body's.
            betas: its shape is always the same: must be None.
            translation: ``[B, 3]`` meters.

        Raises:
            ValueError: rotations of another shape, or betas.
        """
        check_rotations(rotations)
        if betas is not None:
            raise ValueError('the skeleton has one shape: leave out betas.')
        joints, _ = forward_kinematics(rotations, self.rest.to(rotations), self.parents)
        return BodyOutput(joints if translation is None else joints + translation[:, None], None)
