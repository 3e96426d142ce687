import logging
import os
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Set, Tuple, Union

import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.logging import print_log
from mmpose.registry import DATASETS

from clamp_mmpose.body.pose_entries import read_poses, to_matrices
from clamp_mmpose.datasets.poses.pose_records import checked_box
from clamp_mmpose.utils.choices import check_choice

from .records import image_names, read_records

MISSING = ('error', 'skip')


@DATASETS.register_module()
class InstructionDataset(BaseDataset):
    """Conversations about images in LLaVA's format (Visual Instruction Tuning, Liu et al., NeurIPS 2023).

    A record is ``{"id", "image", "conversations": [{"from": "human", "value"}, {"from": "gpt", "value"}, ...]}``, with
    ``<image>`` in a value of ``human``; ``image`` may be a list, or absent. A sample has ``record_id``, ``img_path``
    (None, a path or a list of paths) and ``conversations``.

    A record with 3D poses (ChatPose) has ``poses``, one entry (:mod:`clamp_mmpose.body.pose_entries`) for each
    ``<POSE>`` of its answers; its sample has ``poses`` ``[P, 24, 3, 3]`` float32 and ``pose_masks`` ``[P, 24]`` bool.
    A record about one person of an image may have ``box``, left, top, right, bottom in pixels; it becomes the ``bbox``
    that :class:`CropPerson` reads.

    Args:
        ann_files: one file or several, JSON lists or ``.jsonl``.
        weights: for each file, how often an epoch has its records; default 1. 2: each twice. 0.5: half of them, which
            NumPy's random state draws anew in each epoch (one of each two neighbors in a random order).
        data_root: folder of ``ann_files`` and of ``data_prefix``.
        data_prefix: ``img``: folder of the images.
        missing_images: for records whose image file does not exist, ``'error'`` or ``'skip'``.
        seed: of the random order.
        kwargs: as for MMEngine's ``BaseDataset``.

    Attributes:
        skipped: records without their image.
        num_records: records that were loaded; ``len`` is that of an epoch.

    Raises:
        FileNotFoundError: a file or, with ``missing_images='error'``, an image does not exist.
        ValueError: a file that cannot be read, an entry that is not a record, weights that do not fit, no records.
    """

    METAINFO: dict = dict(dataset_name='instructions')

    def __init__(
        self,
        ann_files: Union[str, Sequence[str]],
        weights: Optional[Sequence[float]] = None,
        data_root: str = '',
        data_prefix: Optional[dict] = None,
        missing_images: str = 'error',
        seed: int = 0,
        **kwargs: Any,
    ):
        check_choice('InstructionDataset: missing_images', missing_images, MISSING)
        files = [ann_files] if isinstance(ann_files, (str, Path)) else list(ann_files)
        self.ann_files = [Path(data_root or '', file) for file in files]
        self.weights = [1.0] * len(files) if weights is None else [float(weight) for weight in weights]
        if len(self.weights) != len(files) or not all(0 < weight < float('inf') for weight in self.weights):
            raise ValueError(
                f'InstructionDataset: weights must be one number above 0 for each of {len(files)} files, got {weights}.'
            )
        self.missing_images, self.seed, self.skipped = missing_images, seed, 0
        super().__init__(data_root=data_root, data_prefix=data_prefix or dict(img=''), **kwargs)

    def full_init(self) -> None:
        """Load the records, and lay out an epoch."""
        if not self._fully_initialized:
            super().full_init()
            number = np.arange(len(self.file_of))
            kept = number if self._indices is None else _subset(number, self._indices)
            self.num_records = len(kept)
            self.order, self.draws = lay_out_epoch(self.file_of[kept], self.weights, self.seed)

    def load_data_list(self) -> List[dict]:
        """The records of all files."""
        samples, file_of = [], []
        folders: Dict[str, Set[str]] = {}
        for number, path in enumerate(self.ann_files):
            for i, record in enumerate(read_records(path)):
                record_id = str(record.get('id', f'{path.name}:{i}'))
                paths = [os.path.join(self.data_prefix.get('img') or '', name) for name in image_names(record)]
                missing = next((image for image in paths if not _exists(image, folders)), None)
                if missing is not None and self.missing_images == 'error':
                    raise FileNotFoundError(
                        f'{path}, record {record_id!r}: image {missing} does not exist: check data_root and '
                        "data_prefix['img'], or set missing_images='skip'; tools/check_dataset.py lists every case."
                    )
                if missing is not None:
                    self.skipped += 1
                    continue
                image = record.get('image')
                img_path = None if not paths else paths if isinstance(image, list) else paths[0]
                sample = dict(record_id=record_id, img_path=img_path, conversations=record['conversations'])
                samples.append(dict(sample, **_about_person(record, f'{path}, record {record_id!r}')))
                file_of.append(number)
        if self.skipped:
            print_log(f'{self.skipped:,} records without their image are left out.', 'current', logging.WARNING)
        if not samples:
            raise ValueError(f'no records with their images in {", ".join(map(str, self.ann_files))}.')
        self.file_of = np.array(file_of)
        return samples

    def get_data_info(self, idx: int) -> dict:
        """A record of the epoch, before the pipeline; drawn anew each time if its file has a weight below 1."""
        self.full_init()
        first, stop = self.draws[idx]
        place = first if stop - first == 1 or self.test_mode else np.random.randint(first, stop)
        info = dict(super().get_data_info(int(self.order[place])), sample_idx=idx % len(self))
        if 'axis_angle' in info:
            info['poses'] = to_matrices(info.pop('axis_angle'))
        return info

    def __len__(self) -> int:
        self.full_init()
        return len(self.draws)


def lay_out_epoch(file_of: np.ndarray, weights: Sequence[float], seed: int) -> Tuple[np.ndarray, np.ndarray]:
    """The records of an epoch.

    Args:
        file_of: ``[N]``, the file of each record.
        weights: how often an epoch has the records of a file.
        seed: of the order in which records of a part are neighbors.

    Returns:
        tuple: an order of records ``[M]``, and for each sample of the epoch the first and last + 1 place ``[S, 2]`` of
        the order that it is drawn from. No record is drawn twice, but for the copies that its weight asks for.
    """
    orders, draws, place = [], [], 0
    for number, weight in enumerate(weights):
        own = np.flatnonzero(file_of == number)
        parts = [len(own)] * int(weight) + [round(weight % 1 * len(own))]
        for samples in filter(None, parts):
            shuffled = samples < len(own)
            orders.append(np.random.RandomState(seed).permutation(own) if shuffled else own)
            edges = place + np.arange(samples + 1) * len(own) // samples
            draws.append(np.stack([edges[:-1], edges[1:]], axis=1))
            place += len(own)
    if not draws:
        raise ValueError(f'InstructionDataset: weights {list(weights)} leave no records; give larger ones.')
    return np.concatenate(orders), np.concatenate(draws)


def _about_person(record: dict, place: str) -> Dict[str, Any]:
    """The box and the poses of a record; these as axis-angle vectors, which take a third of the memory."""
    found: Dict[str, Any] = {}
    try:
        if record.get('box') is not None:
            found['bbox'] = checked_box(record['box'])
        if 'poses' in record:
            found['axis_angle'], found['pose_masks'] = read_poses(record['poses'])
    except ValueError as error:
        raise ValueError(f'{place}: {error}') from error
    return found


def _subset(number: np.ndarray, indices: Union[int, Sequence[int]]) -> np.ndarray:
    """As MMEngine's ``indices``: the first or last ones, or those of a list."""
    if isinstance(indices, int):
        return number[:indices] if indices >= 0 else number[indices:]
    return number[list(indices)]


def _exists(path: str, folders: Dict[str, Set[str]]) -> bool:
    """Whether a file exists; each folder is listed once."""
    if '://' in path:  # a storage of MMEngine, which is asked when the image is read
        return True
    folder, name = os.path.split(path)
    if folder not in folders:
        folders[folder] = set(os.listdir(folder or '.')) if os.path.isdir(folder or '.') else set()
    return name in folders[folder]
