from typing import Optional

import numpy as np
import torch
from torch import Tensor

from .kinematics import blend_skinning, check_rotations, forward_kinematics
from .mesh_body import MeshBody
from .output import BodyOutput
from .smpl_files import BodyFile
from .smpl_joints import NUM_JOINTS, NUM_SHARED

# joints of the left and the right hand where index, middle, little and ring finger begin
KNUCKLES = {'SMPL-H': ((22, 25, 28, 31), (37, 40, 43, 46)), 'SMPL-X': ((25, 28, 31, 34), (40, 43, 46, 49))}

# vertices of nose, left and right eye, left and right ear in the meshes of SMPL and SMPL-H, and of SMPL-X (as smplx)
FACES = {6890: (332, 2800, 6260, 583, 4071), 10475: (9120, 9448, 9929, 6, 616)}
# left and right shoulders, elbows, wrists, hips, knees, ankles
COCO_JOINTS = (16, 17, 18, 19, 20, 21, 1, 2, 4, 5, 7, 8)


class SmplBody(MeshBody):
    """SMPL (Loper et al. 2015), SMPL-H or SMPL-X from the user's file, turned by SMPL's rotations.

    Hands and face of SMPL-H and SMPL-X stay at rest, with flat hands; their joints are SMPL's first 22, and for 'left
    hand' and 'right hand', which they do not have, the mean of the four knuckles. Their joints and SMPL's differ by
    centimeters: errors of the one must not be compared with those of the other. Published meshes have
    ``coco_keypoints(output)``, ``[B, 17, 3]`` meters.

    Args:
        file: of :func:`read_body_file`.
        dtype: of the body's numbers and of what it returns.
    """

    def __init__(self, file: BodyFile, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.name = f'{file.kind} ({file.source})'
        self.kind = file.kind
        self.faces = file.faces
        self.num_betas = file.shapes.shape[2]
        regressor, weights = file.regressor, file.weights
        if file.kind in KNUCKLES:
            hands = np.stack([regressor[list(knuckles)].mean(0) for knuckles in KNUCKLES[file.kind]])
            regressor = np.concatenate([regressor[:NUM_SHARED], hands])
            weights = _merge_resting(weights, file.parents)
        turning = (NUM_JOINTS if file.kind == 'SMPL' else NUM_SHARED) - 1
        # of all x, then y, then z; those of the pose first: any number of betas is a slice of rows
        poses, shapes = (
            array.transpose(2, 1, 0).reshape(array.shape[2], -1) for array in (file.pose_shapes, file.shapes)
        )
        for name, array in dict(
            template=file.template.T,
            directions=np.concatenate([poses[: 9 * turning], shapes]),
            rest=regressor @ file.template,
            joint_shapes=np.einsum('jv,vcs->sjc', regressor, file.shapes),
            weights=weights,
        ).items():
            self.register_buffer(name, torch.tensor(array, dtype=dtype).contiguous(), persistent=False)
        self.turning = turning
        if len(file.template) in FACES:  # of other meshes the places are not known
            self.coco_keypoints = self._coco_keypoints

    def forward(
        self, rotations: Tensor, betas: Optional[Tensor] = None, translation: Optional[Tensor] = None
    ) -> BodyOutput:
        """
        Args:
            rotations: ``[B, 24, 3, 3]``, the first one is the whole body's; those of the hands turn SMPL's hands only.
            betas: ``[B, S]`` or ``[1, S]`` of the file's own; fewer are allowed, the others are then zero.
            translation: ``[B, 3]`` meters.

        Raises:
            ValueError: rotations or betas of another shape.
        """
        check_rotations(rotations)
        rotations = rotations.to(self.template)
        identity = torch.eye(3).to(rotations)
        turned = rotations[:, 1 : 1 + self.turning]
        coefficients, rest = (turned - identity).flatten(1), self.rest
        if betas is not None:
            if betas.ndim != 2 or len(betas) not in (1, len(rotations)) or betas.shape[1] > self.num_betas:
                raise ValueError(
                    f'expected betas [{len(rotations)}, S] with S up to {self.num_betas}, got {list(betas.shape)}.'
                )
            betas = betas.to(rotations)
            rest = rest + torch.einsum('bs,sjc->bjc', betas, self.joint_shapes[: betas.shape[1]])
            coefficients = torch.cat([coefficients, betas.expand(len(rotations), -1)], 1)
        vertices = coefficients @ self.directions[: coefficients.shape[1]]
        vertices = vertices.unflatten(1, (3, -1)) + self.template
        if self.turning < NUM_JOINTS - 1:
            rotations = torch.cat([rotations[:, :NUM_SHARED], identity.expand(len(rotations), 2, 3, 3)], 1)
        joints, transforms = forward_kinematics(rotations, rest, self.parents)
        vertices = blend_skinning(vertices.transpose(1, 2), self.weights, transforms)
        if translation is not None:
            translation = translation.to(joints)[:, None]
            joints, vertices = joints + translation, vertices + translation
        return BodyOutput(joints, vertices)

    def _coco_keypoints(self, output: BodyOutput) -> Tensor:
        """COCO's 17 keypoints ``[B, 17, 3]`` in meters: vertices of nose, eyes and ears, and SMPL's joints."""
        return torch.cat([output.vertices[:, FACES[output.vertices.shape[1]]], output.joints[:, COCO_JOINTS]], 1)


def _merge_resting(weights: np.ndarray, parents: tuple) -> np.ndarray:
    """Weights ``[V, 24]``: hands and face move with the nearest of the first 22 joints, the last two are unused."""
    merged = np.zeros((len(weights), NUM_JOINTS), weights.dtype)
    for joint in range(weights.shape[1]):
        mover = joint
        while mover >= NUM_SHARED:
            mover = parents[mover]
        merged[:, mover] += weights[:, joint]
    return merged
