"""Times posing a batch of bodies against the packages that the bodies come from."""

from typing import Dict, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.benchmark import Measurement

from clamp_mmpose.body.anny_body import AnnyBody
from clamp_mmpose.body.anny_files import PHENOTYPES, load_anny
from clamp_mmpose.body.rotations import axis_angle_to_matrix
from clamp_mmpose.body.smpl_body import SmplBody
from clamp_mmpose.body.smpl_files import BodyFile
from clamp_mmpose.body.smpl_joints import NUM_JOINTS, PARENTS

from .models import alternate, milliseconds

VERTICES, BETAS = 6890, 10  # of SMPL


class BodyTimings(NamedTuple):
    """Timings of ours and of the packages: SMPL's size with betas; anny's, then without making its shape each time."""

    smpl: Measurement
    smplx: Measurement
    anny: Measurement
    anny_whole: Measurement
    anny_posing: Measurement


def body_of_smpls_size() -> BodyFile:
    """A made-up body with as many numbers as SMPL."""
    random = np.random.default_rng(0)

    def rows(number: int, columns: int) -> np.ndarray:
        values = random.random((number, columns)) ** 8
        return values / values.sum(1, keepdims=True)

    return BodyFile(
        'SMPL',
        'made up',
        random.normal(size=(VERTICES, 3)),
        np.zeros((0, 3), np.int64),
        random.normal(size=(VERTICES, 3, BETAS)) / 100,
        random.normal(size=(VERTICES, 3, 9 * (NUM_JOINTS - 1))) / 1000,
        rows(NUM_JOINTS, VERTICES),
        rows(VERTICES, NUM_JOINTS),
        PARENTS,
    )


def skinning(batch: int, pairs: int) -> BodyTimings:
    """Time vertices and joints of ``batch`` poses, without gradients, float32."""
    from smplx.lbs import lbs

    generator = torch.Generator().manual_seed(0)
    rotations = axis_angle_to_matrix(torch.randn(batch, NUM_JOINTS, 3, generator=generator))
    betas = torch.randn(batch, BETAS, generator=generator)
    file = body_of_smpls_size()
    smpl, ours = SmplBody(file), AnnyBody()
    template, shapes, regressor, weights = (
        torch.tensor(array, dtype=torch.float32) for array in (file.template, file.shapes, file.regressor, file.weights)
    )
    pose_shapes = torch.tensor(file.pose_shapes, dtype=torch.float32).flatten(0, 1).T.contiguous()
    parents = torch.tensor(PARENTS)
    anny = load_anny('compact').float()
    deltas = torch.eye(4).repeat(batch, anny.bone_count, 1, 1)
    deltas[:, :, :3, :3] = axis_angle_to_matrix(torch.randn(batch, anny.bone_count, 3, generator=generator) / 10)

    def by_smplx() -> Tensor:
        return lbs(betas, rotations, template, shapes, pose_shapes, regressor, parents, weights, pose2rot=False)[0]

    def anny_posing() -> Tensor:
        transforms, _ = anny.get_bone_transforms(deltas, rest['rest_bone_poses'])
        return anny.get_skinned_vertices(rest['rest_vertices'].expand(batch, -1, -1), transforms)

    with torch.no_grad():
        rest = anny(phenotype_kwargs=PHENOTYPES)
        if not torch.allclose(smpl(rotations, betas).vertices, by_smplx(), atol=1e-4):
            raise RuntimeError('the two bodies of SMPL differ; their times cannot be compared.')
        runs = [
            lambda: smpl(rotations, betas).vertices,
            by_smplx,
            lambda: ours(rotations).vertices,
            lambda: anny(pose_parameters=deltas, phenotype_kwargs=PHENOTYPES)['vertices'],
            anny_posing,
        ]
        return BodyTimings(*alternate(runs, pairs))


def skinning_summary(timings: BodyTimings) -> Dict[str, float]:
    """The results for the JSON file; a ratio below 1 means that ours is faster."""
    times = {f'{name}_ms': milliseconds(timing) for name, timing in timings._asdict().items()}
    return dict(
        times,
        smpl_ratio=times['smpl_ms'] / times['smplx_ms'],
        anny_ratio=times['anny_ms'] / times['anny_posing_ms'],
        runs=len(timings.smpl.times),
    )
