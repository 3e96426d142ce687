import logging
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import numpy as np
from mmengine.logging import print_log
from mmpose.registry import DATASETS

from clamp_mmpose.datasets.files.tables import read_csv
from clamp_mmpose.utils.choices import check_choice

from .zero_shot_dataset import ZeroShotDataset

EMOTIONS = ('neutral', 'happiness', 'surprise', 'sadness', 'anger', 'disgust', 'fear', 'contempt')
VOTES = (*EMOTIONS, 'unknown', 'NF')  # NF: not a face
USAGES = dict(train='Training', val='PublicTest', test='PrivateTest')
FOLDERS = dict(train='FER2013Train', val='FER2013Valid', test='FER2013Test')
SIZE = 48  # of the square images, in pixels


def majority(votes: Sequence[int]) -> Optional[int]:
    """The index of the winner by FER+'s rule: single votes are dropped, and the winner needs more than half of the
    remaining votes; None: undecided."""
    kept = [vote if vote > 1 else 0 for vote in votes]
    return kept.index(max(kept)) if 2 * max(kept) > sum(kept) else None


@DATASETS.register_module()
class FERPlusDataset(ZeroShotDataset):
    """FER+ (Barsoum et al., "Training Deep Networks for Facial Expression Recognition with Crowd-Sourced Label
    Distribution", ICMI 2016): cropped faces, one of eight emotions, by :func:`majority` of ten votes.

    Reads the votes of ``fer2013new.csv`` and the pixels of ``fer2013.csv`` (FER2013), whose rows are in the same
    order: ``img`` ``[48, 48, 3]``, gray. Without ``fer2013.csv`` it reads the images that FER+'s script writes to
    ``FER2013Train``, ``FER2013Valid`` and ``FER2013Test``. Undecided images and those voted unknown or not a face
    are left out and counted in the log.

    Args:
        split: ``'test'``, ``'val'`` or ``'train'``.
        kwargs: as for :class:`ZeroShotDataset`.

    Raises:
        FileNotFoundError: the votes do not exist, or neither pixels nor images do.
        ValueError: another split, a malformed row, files with different rows.
    """

    METAINFO: dict = dict(dataset_name='FER+')
    task = 'Emotion'
    top_k = 3
    classes = EMOTIONS
    words = ('neutral', 'happy', 'surprised', 'sad', 'angry', 'disgusted', 'afraid', 'contemptuous')
    templates = ('a photo of a/an {} looking face',)
    ensemble = ('a photo of a/an {} face', 'a photo of a/an {} person', 'a photo of a face that looks {}')

    def __init__(self, split: str = 'test', **kwargs: Any):
        check_choice('FERPlusDataset: split', split, tuple(USAGES))
        self.split = split
        super().__init__(**kwargs)

    def read_samples(self) -> List[dict]:
        path = self.path('fer2013new.csv')
        folder = path.parent / FOLDERS[self.split]
        usages, samples, left_out = [], {}, Counter()
        for number, (place, row) in enumerate(read_csv(path, ['Usage', 'Image name', *VOTES])):
            check_choice(f'{place}: Usage', row['Usage'], tuple(USAGES.values()))
            usages.append(row['Usage'])
            if row['Usage'] != USAGES[self.split]:
                continue
            winner = majority(_votes(place, row))
            if winner is not None and winner < len(EMOTIONS):
                samples[number] = self.sample(folder / row['Image name'], [winner])
            else:
                left_out['undecided' if winner is None else VOTES[winner]] += 1
        if left_out:
            print_log(
                f'{self.name}: left out {sum(left_out.values()):,} images of {path} without an emotion: '
                + ', '.join(f'{why} {count:,}' for why, count in left_out.most_common())
                + '.',
                logger='current',
                level=logging.WARNING,
            )
        if (path.parent / 'fer2013.csv').exists() or not folder.is_dir():
            _add_pixels(samples, self.path('fer2013.csv'), usages)
        return list(samples.values())

    def get_data_info(self, idx: int) -> dict:
        """A sample with its gray pixels in three channels."""
        info = super().get_data_info(idx)
        if 'gray' in info:
            info['img'] = np.repeat(info.pop('gray')[..., None], 3, axis=2)
        return info


def _votes(place: str, row: Dict[str, str]) -> List[int]:
    try:
        return [int(row[name]) for name in VOTES]
    except ValueError:
        raise ValueError(f'{place}: expected numbers of votes, got {[row[name] for name in VOTES]}.') from None


def _add_pixels(samples: Dict[int, dict], path: Path, usages: List[str]) -> None:
    """Add ``gray`` ``[48, 48]`` to the samples, by row number; one channel, to save memory."""
    number = -1
    for number, (place, row) in enumerate(read_csv(path, ['pixels', 'Usage'])):
        if number < len(usages) and row['Usage'] != usages[number]:
            raise ValueError(
                f'{place}: {row["Usage"]!r}, where fer2013new.csv has {usages[number]!r}; expected the '
                'files as published, with the same order of rows.'
            )
        if number in samples:
            samples[number]['gray'] = _gray(place, row['pixels'])
    if number + 1 != len(usages):
        raise ValueError(
            f'{path} has {number + 1} rows, fer2013new.csv {len(usages)}; expected the files as published.'
        )


def _gray(place: str, pixels: str) -> np.ndarray:
    try:
        gray = np.frombuffer(bytes(map(int, pixels.split())), np.uint8)  # ValueError beyond 0 to 255
        return gray.reshape(SIZE, SIZE)
    except ValueError:
        raise ValueError(
            f'{place}: expected {SIZE} x {SIZE} numbers of 0 to 255 in pixels, got {pixels[:40]!r}...'
        ) from None
