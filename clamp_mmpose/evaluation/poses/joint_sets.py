"""Joints of a posed body that errors are measured at."""

from pathlib import Path
from typing import Any, Dict, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import torch
from torch import Tensor, nn

from clamp_mmpose.body.smpl_joints import JOINT_NAMES, NUM_SHARED, PARENTS
from clamp_mmpose.utils.choices import check_choice

LSP14 = (
    'right ankle',
    'right knee',
    'right hip',
    'left hip',
    'left knee',
    'left ankle',
    'right wrist',
    'right elbow',
    'right shoulder',
    'left shoulder',
    'left elbow',
    'left wrist',
    'neck',
    'head top',
)
LSP14_ROWS = (6, 5, 4, 1, 2, 3, 16, 15, 14, 11, 12, 13, 8, 10)  # of SPIN's J_regressor_h36m, whose row 0 is the pelvis
COCO17 = (
    *('nose', 'left eye', 'right eye', 'left ear', 'right ear', 'left shoulder', 'right shoulder', 'left elbow'),
    *('right elbow', 'left wrist', 'right wrist', 'left hip', 'right hip', 'left knee', 'right knee', 'left ankle'),
    'right ankle',
)
JOINT_SETS: Dict[str, Tuple[str, ...]] = dict(
    smpl24=JOINT_NAMES, smpl22=JOINT_NAMES[:NUM_SHARED], lsp14=LSP14, coco17=COCO17
)
ROOTS = ('none', 'pelvis', 'mid_hip')


class Joints(NamedTuple):
    """Joints ``[N, K, 3]`` in meters from their root, and which of them are known ``[N, K]``."""

    points: np.ndarray
    known: np.ndarray


class JointSet:
    """Joints of a set, from their root.

    Args:
        name: ``'smpl24'``: the body's own; ``'smpl22'``: without hands, for SMPL-H and SMPL-X; ``'lsp14'``: 14 joints
            of the surface by ``regressor``, as in SPIN's and HMR2.0's 3DPW protocol; ``'coco17'``: of a body with
            COCO's keypoints, such as anny.
        root: ``'none'``, ``'pelvis'`` (for ``'lsp14'``: row 0 of the regressor) or ``'mid_hip'``.
        regressor: ``J_regressor_h36m.npy``, ``[17, V]``.

    Attributes:
        joint_names: of the K joints.

    Raises:
        ValueError: unknown names; the set has no pelvis, or needs a regressor; a file of another shape.
        FileNotFoundError: there is no such file.
    """

    def __init__(self, name: str, root: str, regressor: Optional[str] = None):
        check_choice('joints', name, tuple(JOINT_SETS))
        check_choice('root', root, ROOTS)
        if root == 'pelvis' and name == 'coco17':
            raise ValueError("joints='coco17' have no pelvis: set root='mid_hip' or 'none'.")
        if (regressor is not None) != (name == 'lsp14'):
            raise ValueError(
                f"joints={name!r} with regressor={regressor!r}: 'lsp14' needs J_regressor_h36m.npy, others need none."
            )
        self.name, self.root, self.joint_names = name, root, JOINT_SETS[name]
        self.regressor = None if regressor is None else _read_regressor(regressor)

    def __call__(self, body: nn.Module, rotations: Tensor, mask: np.ndarray, betas: Optional[Tensor] = None) -> Joints:
        """
        Args:
            body: of :func:`build_body`.
            rotations: ``[N, 24, 3, 3]``.
            mask: ``[N, 24]`` bool, the joints whose rotations are known. A joint has a known place if the rotations of
                all joints above it are; one on the surface, if those of all but the hands are.
            betas: of the body.
        """
        places: Any = body(rotations.float().cpu(), betas)
        known = np.stack([mask[:, _above(joint)].all(1) for joint in range(len(PARENTS))], 1)
        if self.name.startswith('smpl'):
            points = places.joints[:, : len(self.joint_names)].double().numpy()
            return Joints(self._from_root(points, points[:, :1]), known[:, : len(self.joint_names)])
        whole = mask[:, :NUM_SHARED].all(1)[:, None].repeat(len(self.joint_names), 1)
        if self.regressor is None:
            if not hasattr(body, 'coco_keypoints'):
                raise ValueError(
                    f"joints='coco17': the body {body.name!r} has none; take 'smpl24', or the body 'anny'."
                )
            points = body.coco_keypoints(places).double().numpy()
            return Joints(self._from_root(points, points[:, :0]), whole)
        if places.vertices is None:
            raise ValueError(f"joints='lsp14' are of a surface, and the body {body.name!r} has none.")
        found = body.regress(self.regressor, places).double().numpy()
        return Joints(self._from_root(found[:, LSP14_ROWS], found[:, :1]), whole)

    def of_labels(self, joints: np.ndarray, rows: Sequence[int], root_rows: Sequence[int]) -> Joints:
        """Labeled places instead of those of a labeled body.

        Args:
            joints: ``[N, R, 4]``, meters and confidence, which is above 0 where known.
            rows: of the K joints of the set.
            root_rows: the root is the mean of these; it is not read for ``'none'``.
        """
        points, known = joints[..., :3], joints[..., 3] > 0
        if self.root == 'none':
            return Joints(points[:, rows], known[:, rows])
        root = points[:, root_rows].mean(1, keepdims=True)
        return Joints(points[:, rows] - root, known[:, rows] & known[:, root_rows].all(1, keepdims=True))

    def _from_root(self, points: np.ndarray, pelvis: np.ndarray) -> np.ndarray:
        if self.root == 'none':
            return points
        if self.root == 'mid_hip':
            hips = [self.joint_names.index(f'{side} hip') for side in ('left', 'right')]
            return points - points[:, hips].mean(1, keepdims=True)
        return points - pelvis


def _above(joint: int) -> list:
    """The joints above one in the tree."""
    above = []
    while PARENTS[joint] >= 0:
        joint = PARENTS[joint]
        above.append(joint)
    return above


def _read_regressor(path: str) -> Tensor:
    if not Path(path).is_file():
        raise FileNotFoundError(f'regressor {path} not found (looked in {Path.cwd()}).')
    try:
        values = np.load(path, allow_pickle=False)
    except ValueError as error:
        raise ValueError(f'regressor {path} cannot be read as .npy without pickles: {error}.') from error
    if not isinstance(values, np.ndarray) or values.ndim != 2 or len(values) != 17 or values.dtype.kind != 'f':
        raise ValueError(
            f'regressor {path} must be an .npy file of numbers [17, V], got {getattr(values, "shape", type(values))}.'
        )
    if not np.allclose(values.sum(1), 1, atol=1e-3):
        raise ValueError(f'regressor {path}: the weights of a joint must sum to 1.')
    return torch.from_numpy(values.astype(np.float32))
