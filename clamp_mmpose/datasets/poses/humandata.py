import os
from typing import Any, Iterator, Optional, Sequence

import numpy as np
from mmpose.registry import DATASETS

from clamp_mmpose.datasets.files.npz import NpzArrays

from .npz_pose_reader import NpzPoseReader
from .pose_sample import PoseSample
from .smpl_poses import gender_name, matrices_of, smpl_vectors

WHAT = 'HumanData'
BODIES = dict(smpl=24, smplh=22, smplx=22)  # joints of their vectors that are SMPL's


@DATASETS.register_module()
class HumanData(NpzPoseReader):
    """HumanData of MMHuman3D: .npz with ``image_path``, ``bbox_xywh`` ``[N, 5]`` and a dict ``smpl`` or ``smplx``.

    The dict, a pickle of ``global_orient`` ``[N, 3]``, ``body_pose`` ``[N, 23 or 21, 3]`` and ``betas``, is read
    without running code in it. Roots must be in the camera's frame, as MMHuman3D's converters of image data sets write
    them.

    Args:
        ann_files: one file or several.
        data_root: their folder.
        images: folder of the images.
    """

    what = WHAT

    def people(self, file: NpzArrays) -> Iterator[PoseSample]:
        kind = next((kind for kind in BODIES if kind in file.names), None)
        if kind is None:
            raise ValueError(f'{WHAT} {file.path} has none of {", ".join(BODIES)}, only {", ".join(file.names)}.')
        body = file.object(kind)
        poses = _vectors(body, BODIES[kind], f'{WHAT} {file.path}: {kind}')
        turned, mask = smpl_vectors(poses)
        number = len(poses)
        names = file.array('image_path') if 'image_path' in file.names else None
        boxes = file.array('bbox_xywh').astype(float) if 'bbox_xywh' in file.names else None
        betas = body.get('betas')
        genders = _genders(file)
        for label, values in (('image_path', names), ('bbox_xywh', boxes), ('betas', betas), ('gender', genders)):
            if values is not None and len(values) != number:
                raise ValueError(f'{WHAT} {file.path}: {len(values)} rows of {label} for {number} poses.')
        for i, rotations in enumerate(matrices_of(turned)):
            if not np.isfinite(poses[i]).all():
                self.dropped['poses that are not finite'] += 1
                continue
            box = None
            if boxes is not None:
                left, top, width, height = boxes[i, :4].tolist()
                box = (left, top, left + width, top + height)
            yield PoseSample(
                record_id=f'{file.path.stem}:{i}',
                rotations=rotations,
                mask=mask,
                image=None if names is None else os.path.join(self.images, str(names[i])),
                box=box,
                betas=None if betas is None or kind != 'smpl' else np.asarray(betas[i], np.float32),
                gender='' if genders is None else gender_name(genders[i]),
                source=file.path.name,
            )


def _vectors(body: Any, joints: int, what: str) -> np.ndarray:
    """Axis-angle vectors ``[N, J, 3]``, the whole body's first."""
    try:
        root = np.asarray(body['global_orient'], float).reshape(-1, 1, 3)
        poses = np.asarray(body['body_pose'], float).reshape(len(root), -1, 3)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f'{what} must have global_orient [N, 3] and body_pose [N, J, 3]: {type(error).__name__} {error}.'
        ) from error
    if poses.shape[1] != joints - 1:
        raise ValueError(f'{what}: body_pose has {poses.shape[1]} joints, expected {joints - 1}.')
    return np.concatenate([root, poses], 1)


def _genders(file: NpzArrays) -> Optional[Sequence[str]]:
    """Of ``meta``, if it has them."""
    meta = file.object('meta') if 'meta' in file.names else {}
    genders = meta.get('gender') if isinstance(meta, dict) else None
    return None if genders is None or isinstance(genders, str) else list(genders)
