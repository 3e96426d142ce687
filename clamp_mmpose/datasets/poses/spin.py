import os
from typing import Iterator, Optional

import numpy as np
from mmpose.registry import DATASETS

from clamp_mmpose.datasets.files.npz import NpzArrays

from .npz_pose_reader import NpzPoseReader
from .pose_sample import PoseSample
from .smpl_poses import gender_name, matrices_of, smpl_vectors, square

WHAT = 'pose file'


@DATASETS.register_module()
class SPIN(NpzPoseReader):
    """The .npz files of SPIN (Kolotouros et al., ICCV 2019), and of HMR2.0's evaluation (Goel et al., ICCV 2023).

    SPIN: ``imgname``, ``center``, ``scale`` (box / 200), ``pose`` ``[N, 72]``, ``shape``, ``gender``, ``S`` and others;
    HMR2.0: ``scale`` in pixels, ``body_pose`` ``[N, 72]``, ``has_body_pose``, ``betas``, ``body_keypoints_3d``,
    ``extra_keypoints_3d``. What a file lacks is not known: those of Human3.6M have no poses, only 3D joints. The box is
    the square that they cut out. Arrays of objects, which are pickles, are refused.

    Args:
        ann_files: one file or several.
        data_root: their folder.
        images: folder of the images.
    """

    what = WHAT

    def people(self, file: NpzArrays) -> Iterator[PoseSample]:
        names = file.array('imgname')
        center, scale = file.array('center').astype(float), file.array('scale').astype(float)
        pixels = scale * (1 if 'body_keypoints_2d' in file.names or 'body_pose' in file.names else 200)
        poses, known = _poses(file, len(names))
        turned, mask = smpl_vectors(poses)
        betas = next((file.array(name) for name in ('shape', 'betas') if name in file.names), None)
        genders = file.array('gender') if 'gender' in file.names else None
        joints = _joints(file)
        for label, values in (
            ('center', center),
            ('scale', scale),
            ('betas', betas),
            ('S', joints),
            ('gender', genders),
        ):
            if values is not None and len(values) != len(names):
                raise ValueError(f'{WHAT} {file.path}: {len(values)} rows of {label} for {len(names)} images.')
        for i, rotations in enumerate(matrices_of(turned)):
            name = names[i].decode() if isinstance(names[i], bytes) else str(names[i])
            if not np.isfinite(poses[i]).all():
                self.dropped['poses that are not finite'] += 1
                continue
            yield PoseSample(
                record_id=f'{file.path.stem}:{i}',
                rotations=rotations,
                mask=mask & known[i],
                image=os.path.join(self.images, name),
                box=square(center[i], pixels[i]),
                betas=None if betas is None else betas[i].astype(np.float32),
                gender='' if genders is None else gender_name(genders[i]),
                joints_3d=None if joints is None else joints[i],
                source=file.path.name,
            )


def _poses(file: NpzArrays, number: int) -> tuple:
    """Axis-angle vectors ``[N, 24, 3]``, and whether each row is known ``[N]``."""
    name = next((name for name in ('pose', 'body_pose') if name in file.names), None)
    if name is None:
        return np.zeros((number, 24, 3)), np.zeros(number, bool)
    poses = file.array(name)
    if poses.shape != (number, 72) or poses.dtype.kind != 'f':
        raise ValueError(f'{WHAT} {file.path}: {name} must be numbers [{number}, 72], got {list(poses.shape)}.')
    flags = next((flag for flag in ('has_body_pose', 'has_smpl') if flag in file.names), None)
    known = np.ones(number, bool) if flags is None else file.array(flags).reshape(number) > 0
    return poses.reshape(number, 24, 3).astype(float), known


def _joints(file: NpzArrays) -> Optional[np.ndarray]:
    """``[N, 24, 4]`` of SPIN, or ``[N, 44, 4]`` of HMR2.0: 25 of OpenPose, then 19."""
    if 'S' in file.names:
        return file.array('S').astype(np.float32)
    parts = [name for name in ('body_keypoints_3d', 'extra_keypoints_3d') if name in file.names]
    return np.concatenate([file.array(name) for name in parts], 1).astype(np.float32) if len(parts) == 2 else None
