"""Poses of AMASS (Mahmood et al., ICCV 2019), the files "SMPL+H G": npz with ``poses`` ``[T, 156]``, axis-angle."""

from pathlib import Path
from typing import Optional, Sequence

import numpy as np

from clamp_mmpose.datasets.files.npz import NpzArrays

# the names of subsets in older releases, and those of today's downloads
FOLDERS = dict(
    BioMotionLab_NTroje='BMLrub',
    DFaust_67='DFaust',
    MPI_HDM05='HDM05',
    MPI_Limits='PosePrior',
    MPI_mosh='MoSh',
    SSM_synced='SSM',
    TCD_handMocap='TCDHands',
    Transitions_mocap='Transitions',
)
ALIASES = {**FOLDERS, **{new: old for old, new in FOLDERS.items()}}


def sequence_file(root: Path, name: str) -> Optional[Path]:
    """The file of a sequence, 'SUBSET/.../x_poses.npz', whichever name its subset has; None if it is not there."""
    subset, _, rest = name.partition('/')
    for folder in (subset, ALIASES.get(subset, subset)):
        path = root / folder / rest
        if path.is_file():
            return path
    return None


def read_frames(path: Path, frames: Sequence[int]) -> np.ndarray:
    """Axis-angle vectors ``[F, J, 3]`` of some frames of a sequence; J is 52 for SMPL-H.

    Raises:
        ValueError: not such a file, or it has fewer frames.
    """
    with NpzArrays(path, 'AMASS sequence') as file:
        poses = file.array('poses')
    if poses.ndim != 2 or poses.shape[1] % 3 or poses.shape[1] < 66:
        raise ValueError(
            f'AMASS sequence {path}: poses must be [T, 156] axis-angle (SMPL+H G), got {list(poses.shape)}.'
        )
    wrong = next((frame for frame in frames if not 0 <= frame < len(poses)), None)
    if wrong is not None:
        raise ValueError(
            f'AMASS sequence {path} has {len(poses):,} frames, frame {wrong:,} is asked for: it is of another '
            'release of AMASS than the data set.'
        )
    return poses[list(frames)].reshape(len(frames), -1, 3)
