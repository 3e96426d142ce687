import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from mmpose.registry import METRICS
from torch import Tensor, nn

from clamp_mmpose.body.build import build_body
from clamp_mmpose.body.smpl_joints import NUM_JOINTS
from clamp_mmpose.evaluation.bootstrap import Interval, interval
from clamp_mmpose.evaluation.poses.errors import aligned, mpjpe, pa_mpjpe
from clamp_mmpose.evaluation.poses.joint_sets import Joints, JointSet
from clamp_mmpose.utils.choices import check_choice

SHAPES = ('zero', 'label', 'zero_vs_label')
FEWEST = 3  # joints that PA-MPJPE needs


@dataclass(frozen=True)  # MMEngine makes plain tuples of named ones
class PoseResult:
    """A labeled pose, with its errors in millimeters; those of unknown joints are NaN."""

    record_id: str
    sample: dict
    mpjpe: float
    pa_mpjpe: float
    joints: np.ndarray
    pa_joints: np.ndarray


@METRICS.register_module()
class BodyPoseError(BaseMetric):
    """MPJPE and PA-MPJPE in millimeters of the 3D poses in answers, at the joints of a body.

    The numbers depend on body, joints, root and shape, so these are the prefix of their names, such as
    ``skeleton/smpl24/pelvis/zero/MPJPE``; ``.../MPJPE_low`` and ``_high`` are the ends of the 95 % bootstrap interval.
    Poses of an answer and of its label are compared in their order. Counted, and in no mean: ``poses`` that are scored;
    ``missing``, labeled poses that the answer lacks; ``extra`` ones that it has beyond; ``unlabeled``, with fewer than
    3 known joints. If no pose is scored, the errors are infinite. The log has a table of the joints.

    ChatPose's 3DPW numbers (supplement, Table 6) are near ``joints='smpl24'`` with shape zero. The protocol of SPIN and
    HMR2.0 is ``joints='lsp14'`` with ``label_bodies`` of both genders and ``shape='zero_vs_label'``.

    Args:
        body: of :func:`build_body`: ``'skeleton'``, ``'anny'`` or a file of SMPL.
        joints, root, regressor: see :class:`JointSet`.
        shape: ``'zero'``; ``'label'``: both have the betas of the label; ``'zero_vs_label'``: the label has its own.
        label_bodies: files of the labels' bodies by gender, ``dict(male=..., female=...)``; default: ``body``.
        label_rows, label_root: rows of the labeled ``joints_3d`` that are the joints and the root, for labels without
            rotations; the labels' body and shape are then not used.
        prefix: instead of the names above.
        collect_device, collect_dir: as for MMEngine's ``BaseMetric``.

    Attributes:
        results_by_pose: after evaluation, a :class:`PoseResult` of each scored pose.

    Raises:
        ValueError: unknown arguments; later, a sample lacks what they need.
    """

    def __init__(
        self,
        body: str = 'skeleton',
        joints: str = 'smpl24',
        root: str = 'pelvis',
        regressor: Optional[str] = None,
        shape: str = 'zero',
        label_bodies: Optional[Dict[str, str]] = None,
        label_rows: Optional[Sequence[int]] = None,
        label_root: Sequence[int] = (),
        collect_device: str = 'cpu',
        prefix: Optional[str] = None,
        collect_dir: Optional[str] = None,
    ) -> None:
        check_choice('shape', shape, SHAPES)
        self.joint_set = JointSet(joints, root, regressor)
        if label_rows is not None and len(label_rows) != len(self.joint_set.joint_names):
            raise ValueError(f'label_rows needs {len(self.joint_set.joint_names)} rows for {joints}, got {label_rows}.')
        if label_rows is not None and root != 'none' and not label_root:
            raise ValueError(f'label_rows with root={root!r} need label_root, the rows whose mean it is.')
        if label_rows is not None and shape == 'label':
            raise ValueError("label_rows are places of joints without betas: set shape='zero'.")
        of_labels = 'joints_3d' if label_rows is not None else 'gendered' if label_bodies else None
        parts = (Path(body).stem, joints, root, shape, of_labels)
        prefix = '/'.join(filter(None, parts)) if prefix is None else prefix
        super().__init__(collect_device=collect_device, prefix=prefix, collect_dir=collect_dir)
        self.body = build_body(body)
        self.label_bodies = {gender: build_body(path) for gender, path in (label_bodies or {}).items()}
        self.shape, self.label_rows, self.label_root = shape, label_rows, label_root
        self.results_by_pose: List[PoseResult] = []

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Compare the poses of a batch.

        Args:
            data_samples: each with ``record_id``, ``pred_poses`` ``[n, 24, 3, 3]``, ``poses`` ``[P, 24, 3, 3]`` and
                ``pose_masks`` ``[P, 24]``; ``betas``, ``gender`` and ``joints_3d`` as the arguments need them.
        """
        for sample in data_samples:
            self.results.append(self._compare(sample))

    def compute_metrics(self, results: List[dict]) -> Dict[str, float]:
        """Errors in millimeters and counts."""
        counts = {name: sum(result[name] for result in results) for name in ('missing', 'extra', 'unlabeled')}
        poses = self.results_by_pose = [pose for result in results for pose in result['poses']]
        _log_counts(len(poses), counts)
        metrics: Dict[str, float] = dict(self.score(poses), poses=len(poses), **counts)
        if poses:
            print_log(self._joint_table(poses), 'current')
        return metrics

    def score(self, poses: List[PoseResult]) -> Dict[str, float]:
        """The errors of the scored poses."""
        return mean_errors(poses)

    def _compare(self, sample: dict) -> dict:
        name = str(sample['record_id'])
        if 'pred_poses' not in sample:
            raise ValueError(f'record {name!r} has no pred_poses: BodyPoseError scores models such as ChatPose.')
        predicted = torch.as_tensor(sample['pred_poses']).detach().float().cpu().reshape(-1, NUM_JOINTS, 3, 3)
        if not predicted.isfinite().all():
            raise ValueError(f'record {name!r}: pred_poses are not finite: check the weights and the precision.')
        number = len(sample.get('poses', ()))
        both = min(len(predicted), number)
        found = dict(poses=[], missing=number - both, extra=len(predicted) - both, unlabeled=int(not number))
        if not both:
            return found
        labels = self._labels(sample, name)
        everything = np.ones((both, NUM_JOINTS), bool)
        betas = self._betas(sample, name) if self.shape == 'label' else None
        points = self.joint_set(self.body, predicted[:both], everything, betas).points
        keep = labels.known[:both].sum(1) >= FEWEST
        found['unlabeled'] = int((~keep).sum())
        if keep.any():
            own = {key: sample[key] for key in ('aspect', 'person') if key in sample}
            found['poses'] = _results(name, own, points[keep], labels.points[:both][keep], labels.known[:both][keep])
        return found

    def _labels(self, sample: dict, name: str) -> Joints:
        if self.label_rows is not None:
            if sample.get('joints_3d') is None:
                raise ValueError(f'record {name!r} has no joints_3d, which label_rows are of.')
            joints = np.asarray(sample['joints_3d'], np.float64)[None]
            if joints.ndim != 3 or joints.shape[2] != 4 or joints.shape[1] <= max([*self.label_rows, *self.label_root]):
                raise ValueError(f'record {name!r}: joints_3d {list(joints.shape[1:])} has no such rows of 4 numbers.')
            return self.joint_set.of_labels(joints, self.label_rows, self.label_root)
        rotations = torch.as_tensor(np.asarray(sample['poses'], np.float32))
        masks = sample.get('pose_masks')
        mask = np.ones(rotations.shape[:2], bool) if masks is None else np.asarray(masks, bool)
        betas = None if self.shape == 'zero' else self._betas(sample, name)
        return self.joint_set(self._label_body(sample, name), rotations, mask, betas)

    def _label_body(self, sample: dict, name: str) -> nn.Module:
        if not self.label_bodies:
            return self.body
        gender = sample.get('gender')
        if gender not in self.label_bodies:
            raise ValueError(f'record {name!r} has gender={gender!r}; label_bodies are {", ".join(self.label_bodies)}.')
        return self.label_bodies[gender]

    def _betas(self, sample: dict, name: str) -> Tensor:
        if sample.get('betas') is None:
            raise ValueError(f"record {name!r} has no betas: set shape='zero'.")
        return torch.as_tensor(np.asarray(sample['betas'], np.float32)).reshape(1, -1)

    def _joint_table(self, poses: List[PoseResult]) -> str:
        errors, pa = (np.stack([getattr(pose, key) for pose in poses]) for key in ('joints', 'pa_joints'))
        rows = []
        for joint, name in enumerate(self.joint_set.joint_names):
            known = ~np.isnan(errors[:, joint])
            if known.any():
                rows.append(f'{name:<16}{errors[known, joint].mean():10.1f}{pa[known, joint].mean():10.1f}')
        return '\n'.join([f'{self.prefix}, mm\n{"joint":<16}{"MPJPE":>10}{"PA-MPJPE":>10}', *rows])


def mean_errors(poses: Sequence[PoseResult]) -> Dict[str, float]:
    """Means and ends of their bootstrap intervals; infinite without poses."""
    metrics = {}
    for name, key in (('MPJPE', 'mpjpe'), ('PA-MPJPE', 'pa_mpjpe')):
        values = [getattr(pose, key) for pose in poses]
        ends = interval(values) if values else Interval(*[float('inf')] * 3)
        metrics.update(zip((name, f'{name}_low', f'{name}_high'), map(float, ends)))
    return metrics


def _results(name: str, sample: dict, points: np.ndarray, labels: np.ndarray, known: np.ndarray) -> List[PoseResult]:
    turned = aligned(points, labels, known)
    each, pa_each = (
        np.where(known, 1000 * np.linalg.norm(places - labels, axis=-1), np.nan) for places in (points, turned)
    )
    errors = mpjpe(points, labels, mask=known), pa_mpjpe(points, labels, known)
    return [PoseResult(name, sample, *map(float, row), each[i], pa_each[i]) for i, row in enumerate(zip(*errors))]


def _log_counts(poses: int, counts: Dict[str, int]) -> None:
    texts: Tuple[Tuple[str, str], ...] = (
        ('missing', 'labeled poses have none in the answer'),
        ('extra', 'poses of answers have no label'),
        ('unlabeled', 'poses or answers have too few labels'),
    )
    left_out = [f'{counts[key]:,} {text}' for key, text in texts if counts[key]]
    if left_out:
        print_log(f'{poses:,} poses are scored; {"; ".join(left_out)}.', 'current', logging.WARNING)
