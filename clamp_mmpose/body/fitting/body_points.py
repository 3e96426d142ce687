from typing import List, Optional

import torch
from torch import Tensor, nn

from clamp_mmpose.body.kinematics import forward_kinematics
from clamp_mmpose.body.smpl_joints import JOINT_NAMES, NUM_JOINTS, PARENTS

from .keypoint_points import FACE

HEAD = JOINT_NAMES.index('head')
MOST_BETAS = 10  # as SMPLify; files may have 300


class BodyPoints:
    """A body's joints, and its nose, eyes and ears where it has them, without its mesh.

    The joints in the rest pose are read from the body once: they are linear in betas. The face follows the head.

    Args:
        body: of :func:`build_body`.

    Attributes:
        names: of the P points: SMPL's 24 joints, then perhaps ``FACE``.
        num_betas: at most 10; 0 for a body with one shape.
    """

    def __init__(self, body: nn.Module) -> None:
        self.num_betas = min(getattr(body, 'num_betas', 0), MOST_BETAS)
        still = torch.eye(3).expand(1 + self.num_betas, NUM_JOINTS, 3, 3)
        betas = torch.eye(1 + self.num_betas)[:, 1:] if self.num_betas else None
        with torch.no_grad():
            output = body(still, betas)
            places = [output.joints]
            if hasattr(body, 'coco_keypoints'):
                places.append(body.coco_keypoints(output)[:, : len(FACE)])
        rest = torch.cat(places, 1).double()
        self.names: List[str] = [*body.joint_names[:NUM_JOINTS], *FACE[: rest.shape[1] - NUM_JOINTS]]
        self._rest, self._shapes = rest[0], rest[1:] - rest[0]

    def __call__(self, rotations: Tensor, betas: Optional[Tensor] = None) -> Tensor:
        """
        Args:
            rotations: ``[B, 24, 3, 3]``.
            betas: ``[B, num_betas]``; None: zeros.

        Returns:
            ``[B, P, 3]`` meters.
        """
        rest = self._rest.to(rotations)[None]
        if betas is not None:
            rest = rest + torch.einsum('bn,npc->bpc', betas, self._shapes.to(rotations))
        joints, face = rest[:, :NUM_JOINTS], rest[:, NUM_JOINTS:]
        joints, transforms = forward_kinematics(rotations, joints, PARENTS)
        head = transforms[:, HEAD]
        return torch.cat([joints, face @ head[:, :3, :3].mT + head[:, None, :3, 3]], 1)
