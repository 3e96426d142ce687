from pathlib import Path
from typing import Any, Iterator, List

import numpy as np
from mmpose.registry import DATASETS

from clamp_mmpose.body.pose_entries import to_matrices
from clamp_mmpose.checkpoints.array_pickles import read_array_pickle
from clamp_mmpose.utils.choices import check_choice

from .pose_reader import PoseReader
from .pose_sample import PoseSample
from .smpl_poses import box_of_points, gender_name, smpl_vectors

SPLITS = ('train', 'validation', 'test')
WHAT = '3DPW sequence'
KEYS = ('poses', 'betas', 'poses2d', 'cam_poses', 'campose_valid', 'genders')


@DATASETS.register_module()
class ThreeDPW(PoseReader):
    """3D Poses in the Wild (von Marcard et al., ECCV 2018): ``sequenceFiles/SPLIT/*.pkl`` and ``imageFiles/SEQUENCE``.

    The pickles, of Python 2, are read without running code in them. Roots are turned into the camera's frame by
    ``cam_poses``. Frames whose camera is not valid and people without 2D keypoints are left out, as SPIN does; the box
    is the square that it cuts out around these, 1.2 times their extent.

    Args:
        root: the folder of both.
        split: ``'train'``, ``'validation'`` or ``'test'``.

    Raises:
        FileNotFoundError: there are no sequences.
        ValueError: a sequence is not as expected.
    """

    def __init__(self, root: str, split: str = 'test'):
        super().__init__()
        check_choice('ThreeDPW: split', split, SPLITS)
        self.root, self.folder = Path(root), Path(root, 'sequenceFiles', split)

    def samples(self) -> Iterator[PoseSample]:
        """The people of each frame, sequence by sequence."""
        paths = sorted(self.folder.glob('*.pkl'))
        if not paths:
            raise FileNotFoundError(f'3DPW has no sequences in {self.folder}: check root.')
        for path in paths:
            sequence = read_array_pickle(path, WHAT)
            missing = [key for key in KEYS if not isinstance(sequence, dict) or key not in sequence]
            if missing:
                raise ValueError(f'{WHAT} {path} has no {", ".join(missing)}: download it again.')
            for person in range(len(sequence['poses'])):
                try:
                    people = self._frames(path, sequence, person)
                except (IndexError, TypeError, ValueError) as error:
                    raise ValueError(f'{WHAT} {path}, person {person}: {error}; download it again.') from error
                yield from people

    def _frames(self, path: Path, sequence: Any, person: int) -> List[PoseSample]:
        vectors, mask = smpl_vectors(np.asarray(sequence['poses'][person], float).reshape(-1, 24, 3))
        cameras = np.asarray(sequence['cam_poses'], float)[:, :3, :3]
        points = np.asarray(sequence['poses2d'][person], float).transpose(0, 2, 1)
        valid = np.asarray(sequence['campose_valid'][person]).astype(bool)
        if not len(vectors) == len(points) == len(valid) <= len(cameras):
            raise ValueError(f'{len(vectors)} poses, {len(points)} frames of keypoints, {len(cameras)} cameras')
        rotations = to_matrices(vectors)
        rotations[:, 0] = cameras[: len(vectors)] @ to_matrices(vectors[:, 0])
        found = []
        for frame in range(len(vectors)):
            box = box_of_points(points[frame])
            finite = np.isfinite(rotations[frame]).all()
            if not valid[frame] or box is None or not finite:
                reason = 'frames without a valid camera' if not valid[frame] else 'people without 2D keypoints'
                self.dropped[reason if finite else 'poses that are not finite'] += 1
                continue
            found.append(
                PoseSample(
                    record_id=f'{path.stem}:{person}:{frame}',
                    rotations=rotations[frame],
                    mask=mask,
                    image=str(self.root / 'imageFiles' / path.stem / f'image_{frame:05d}.jpg'),
                    box=box,
                    betas=np.asarray(sequence['betas'][person], np.float32).ravel()[:10],
                    gender=gender_name(sequence['genders'][person]),
                    source=path.stem,
                )
            )
        return found
