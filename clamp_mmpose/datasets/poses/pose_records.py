import os
from pathlib import Path
from typing import Any, Iterable, Iterator, Optional, Sequence, Tuple, Union

import numpy as np
from mmpose.registry import DATASETS

from clamp_mmpose.body.pose_entries import pose_entry, read_poses, to_matrices
from clamp_mmpose.utils.files import atomic_write, read_json, read_json_lines, to_json

from .pose_reader import PoseReader
from .pose_sample import Box, PoseSample

GENDERS = ('male', 'female', 'neutral')
REMEDY = 'check the path; write_pose_records writes such files'


@DATASETS.register_module()
class PoseRecords(PoseReader):
    """Our own files: JSON lists or JSONL of ``{"id", "image", "box", "texts", "poses": [pose], "betas", "gender"}``.

    ``poses`` has the pose of one person, see :mod:`clamp_mmpose.body.pose_entries`; the others may be left out. ``box``
    is left, top, right, bottom in pixels.

    Args:
        ann_files: one file or several.
        data_root: their folder.
        images: folder of the images.
    """

    def __init__(self, ann_files: Union[str, Sequence[str]], data_root: str = '', images: str = ''):
        super().__init__()
        files = [ann_files] if isinstance(ann_files, (str, Path)) else list(ann_files)
        self.files, self.images = [Path(data_root, file) for file in files], images

    def samples(self) -> Iterator[PoseSample]:
        for path in self.files:
            for place, record in _entries(path):
                try:
                    yield self._sample(record, path, place)
                except ValueError as error:
                    raise ValueError(f'{place}: {error}') from error

    def _sample(self, record: Any, path: Path, place: str) -> PoseSample:
        if not isinstance(record, dict) or not isinstance(record.get('poses'), list) or len(record['poses']) != 1:
            raise ValueError(f'expected an object with "poses": [one pose], got {record!r:.60}.')
        texts, image, betas = record.get('texts', []), record.get('image'), record.get('betas')
        if not isinstance(texts, list) or not all(isinstance(text, str) and text.strip() for text in texts):
            raise ValueError(f'texts must be a list of texts, got {texts!r:.60}.')
        if image is not None and not isinstance(image, str):
            raise ValueError(f'image must be the name of a file, got {image!r:.60}.')
        gender = record.get('gender', '')
        if gender not in ('', *GENDERS):
            raise ValueError(f'gender must be one of {", ".join(GENDERS)}, got {gender!r:.60}.')
        axis_angle, mask = read_poses(record['poses'])
        return PoseSample(
            record_id=str(record.get('id', place.rsplit(', ', 1)[-1])),
            rotations=to_matrices(axis_angle[0]),
            mask=mask[0],
            image=None if image is None else os.path.join(self.images, image),
            box=None if record.get('box') is None else checked_box(record['box']),
            texts=texts,
            betas=None if betas is None else _betas(betas),
            gender=gender,
            source=path.name,
        )


def write_pose_records(path: Union[str, Path], samples: Iterable[PoseSample], images: str = '') -> int:
    """Write samples as :class:`PoseRecords` reads them; how many there are.

    Args:
        path: a ``.jsonl`` file.
        images: folder that the names of the images are relative to.
    """
    lines = []
    for sample in samples:
        record: dict = dict(id=sample.record_id)
        if sample.image is not None:
            record['image'] = os.path.relpath(sample.image, images) if images else sample.image
        if sample.box is not None:
            record['box'] = [float(value) for value in sample.box]
        if sample.texts:
            record['texts'] = list(sample.texts)
        record['poses'] = [pose_entry(sample.rotations, sample.mask)]
        if sample.betas is not None:
            record['betas'] = sample.betas.round(6)
        if sample.gender:
            record['gender'] = sample.gender
        lines.append(to_json(record, f'record {sample.record_id!r}'))
    atomic_write(Path(path), ''.join(f'{line}\n' for line in lines).encode())
    return len(lines)


def checked_box(box: Any) -> Box:
    """Left, top, right, bottom of a box that is one.

    Raises:
        ValueError: it is not.
    """
    values: Optional[np.ndarray] = None
    if isinstance(box, (list, tuple, np.ndarray)) and len(box) == 4:
        values = np.array(box)
    if values is None or values.dtype.kind not in 'iuf' or not np.isfinite(values).all():
        raise ValueError(f'a box must be four finite numbers, left, top, right, bottom; got {box!r:.60}.')
    left, top, right, bottom = map(float, values)
    if right <= left or bottom <= top:
        raise ValueError(f'a box must be left, top, right, bottom with right > left and bottom > top; got {box!r:.60}.')
    return left, top, right, bottom


def _betas(values: Any) -> np.ndarray:
    if not isinstance(values, list) or not values or not all(type(value) in (int, float) for value in values):
        raise ValueError(f'betas must be a list of numbers, got {values!r:.60}.')
    return np.array(values, np.float32)


def _entries(path: Path) -> Iterator[Tuple[str, Any]]:
    if path.suffix.lower() == '.jsonl':
        yield from read_json_lines(path, 'pose records', REMEDY)
        return
    for i, entry in enumerate(read_json(path, 'pose records', REMEDY, expected=list)):
        yield f'pose records {path}, entry {i}', entry
