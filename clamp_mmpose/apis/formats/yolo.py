"""Predictions as a data set of Ultralytics YOLO-pose."""

from pathlib import Path
from typing import Sequence

import numpy as np
import yaml

from clamp_mmpose.utils.files import atomic_write

from .images import image_names, place_images
from .predicted_frames import PredictedFrame, PredictedInstance, Skeleton


def write_yolo(frames: Sequence[PredictedFrame], skeleton: Skeleton, path: Path, min_score: float = 0.0) -> None:
    """Write a folder with ``data.yaml``, ``train/images`` and ``train/labels``, which Ultralytics trains on.

    Labels have no scores: a point is visible (2), or not labeled (0) if its score is below ``min_score`` or it is
    outside of the image.

    Raises:
        FileExistsError: the folder is not empty; old labels would mix with the new ones.
    """
    check_new(path)
    names = image_names(frames)
    place_images(frames, [path / 'train' / 'images' / name for name in names])
    for frame, name in zip(frames, names):
        lines = [_line(instance, frame.width, frame.height, min_score) for instance in frame.instances]
        target = path / 'train' / 'labels' / f'{Path(name).stem}.txt'
        atomic_write(target, ''.join(f'{line}\n' for line in lines).encode())
    flip = list(range(len(skeleton.names)))
    for left, right in skeleton.swaps:
        flip[left], flip[right] = right, left
    description = dict(
        path='.',
        train='train/images',
        val='train/images',
        names={0: skeleton.category},
        kpt_shape=[len(skeleton.names), 3],
        flip_idx=flip,
        skeleton=[list(link) for link in skeleton.links],
        node_names=list(skeleton.names),  # as sleap-io
        kpt_names={0: list(skeleton.names)},
    )
    atomic_write(path / 'data.yaml', yaml.safe_dump(description, sort_keys=False, allow_unicode=True).encode())


def check_new(path: Path) -> None:
    """Raise a FileExistsError if there is a file, or a folder that is not empty."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise FileExistsError(f'{path} exists: move it away, or give another folder.')


def _line(instance: PredictedInstance, width: int, height: int, min_score: float) -> str:
    """``class center_x center_y w h x y visible ...`` as fractions of the image."""
    size = np.array([width, height], float)
    points = np.asarray(instance.keypoints, float) / size
    visible = (np.asarray(instance.scores) >= min_score) & ((points >= 0) & (points <= 1)).all(axis=1)
    first, last = np.clip(np.array(instance.box, float).reshape(2, 2) / size, 0, 1)
    numbers = [*((first + last) / 2), *(last - first)]
    parts = [f'{number:.6f}' for number in numbers]
    for (x, y), shown in zip(points, visible):
        parts += [f'{x:.6f}', f'{y:.6f}', '2'] if shown else ['0.000000', '0.000000', '0']
    return ' '.join(['0', *parts])
