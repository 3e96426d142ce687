from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Sequence

import numpy as np
import roma
import torch
from PIL import Image
from torch import Tensor

from clamp_mmpose.body.pose_entries import read_poses, to_matrices
from clamp_mmpose.body.skeleton_body import SkeletonBody
from clamp_mmpose.datasets.instructions.records import read_records
from clamp_mmpose.evaluation.poses import pa_mpjpe

BATCH = 64


class Asked(NamedTuple):
    """Records of one kind, and the true pose of each, ``[N, 24, 3, 3]``."""

    records: List[dict]
    poses: Tensor


def read_asked(path: Path) -> Asked:
    """The records of a file with one pose each."""
    records = list(read_records(str(path)))
    turns, _ = read_poses([record['poses'][0] for record in records])
    return Asked(records, torch.from_numpy(to_matrices(turns)))


def mean_pose(poses: Tensor) -> Tensor:
    """The rotation of each joint that is nearest to those of all poses ``[N, 24, 3, 3]``."""
    return roma.special_procrustes(poses.mean(dim=0))


def answer(model: Any, asked: Asked, images: Path, fallback: Tensor, max_new_tokens: int) -> Dict[str, Any]:
    """Ask a model about all records.

    Returns:
        dict: ``poses`` ``[N, 24, 3, 3]``, ``fallback`` where an answer has none; ``without``, how many have none.
    """
    model.eval()
    poses: List[Tensor] = []
    without = 0
    for start in range(0, len(asked.records), BATCH):
        records = asked.records[start : start + BATCH]
        shown = [[Image.open(images / record['image'])] if 'image' in record else [] for record in records]
        questions = [record['conversations'][:1] for record in records]
        for reply in model.generate_poses(shown, questions, max_new_tokens):
            without += not len(reply.rotations)
            poses.append(reply.rotations[0] if len(reply.rotations) else fallback)
    return dict(poses=torch.stack(poses), without=without)


def errors(poses: Tensor, truth: Tensor) -> np.ndarray:
    """PA-MPJPE ``[N]`` in millimeters of all 24 joints of the skeleton."""
    body = SkeletonBody()
    return pa_mpjpe(body(poses).joints, body(truth).joints)


def joints_of(poses: Sequence[Tensor]) -> np.ndarray:
    """Joints ``[N, 24, 3]`` of the skeleton in meters."""
    return SkeletonBody()(torch.stack(list(poses))).joints.numpy()
