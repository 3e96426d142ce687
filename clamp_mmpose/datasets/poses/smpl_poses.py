"""What the readers share: rows of axis-angle vectors, boxes, genders."""

from typing import Any, Iterator, Optional, Tuple

import numpy as np

from clamp_mmpose.body.pose_entries import to_matrices
from clamp_mmpose.body.smpl_joints import NUM_JOINTS, NUM_SHARED

from .pose_sample import Box

ROWS = 4096  # that are turned into matrices at once
GENDERS = dict(m='male', f='female', n='neutral', male='male', female='female', neutral='neutral')


def smpl_vectors(vectors: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """The axis-angle vectors ``[N, 24, 3]`` of SMPL's joints, and which of them ``[24]`` are labeled.

    Args:
        vectors: ``[N, J, 3]``: 24 joints are SMPL's; of any other number, such as the 52 of SMPL-H and the 55 of
            SMPL-X, the first 22 are: the next ones are fingers, jaw or eyes, and SMPL's hands get no label.
    """
    mask = np.arange(NUM_JOINTS) < (NUM_JOINTS if vectors.shape[1] == NUM_JOINTS else NUM_SHARED)
    found = np.zeros((len(vectors), NUM_JOINTS, 3))
    found[:, mask] = vectors[:, : mask.sum()]
    return found, mask


def matrices_of(vectors: np.ndarray) -> Iterator[np.ndarray]:
    """Matrices ``[24, 3, 3]`` float32 of each row of ``[N, 24, 3]``."""
    for first in range(0, len(vectors), ROWS):
        yield from to_matrices(vectors[first : first + ROWS])


def square(center: Any, side: Any) -> Box:
    """The box around a center with one side, or with width and height."""
    (x, y), sides = np.asarray(center, float), np.broadcast_to(np.asarray(side, float).ravel(), 2)
    width, height = sides.tolist()
    return float(x - width / 2), float(y - height / 2), float(x + width / 2), float(y + height / 2)


def box_of_points(points: np.ndarray, margin: float = 1.2) -> Optional[Box]:
    """The square that SPIN cuts out around 2D keypoints ``[K, 3]``, x, y, confidence; None without any."""
    seen = points[points[:, 2] > 0, :2]
    if not len(seen) or not np.isfinite(seen).all() or (seen.max(0) == seen.min(0)).all():
        return None
    return square((seen.max(0) + seen.min(0)) / 2, margin * (seen.max(0) - seen.min(0)).max())


def gender_name(gender: Any) -> str:
    """'male', 'female' or 'neutral' of the letters that files have; '' for anything else."""
    text = gender.decode() if isinstance(gender, bytes) else str(gender)
    return GENDERS.get(text.strip().lower(), '')
