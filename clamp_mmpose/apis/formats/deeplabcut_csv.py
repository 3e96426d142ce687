"""Predictions as the table of DeepLabCut."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import List, Sequence, Tuple, Union

import numpy as np

from clamp_mmpose.utils.files import atomic_write

from .names import by_individual, has_several, image_path, individuals
from .predicted_frames import PredictedFrame, Skeleton

SCORER = 'clamp_mmpose'


@dataclass(frozen=True, eq=False)
class DeepLabCutTable:
    """Columns and rows as DeepLabCut has them.

    Attributes:
        levels: names of the levels of a column.
        columns: (scorer, bodypart, coordinate) of each; of several animals (scorer, individual, bodypart, coordinate).
        index: of each row, the number of a video's frame, or an image's path.
        values: ``[rows, columns]``, pixels of the original image and likelihood; NaN: not found.
    """

    levels: Tuple[str, ...]
    columns: List[Tuple[str, ...]]
    index: List[Union[int, str]]
    values: np.ndarray


def deeplabcut_table(frames: Sequence[PredictedFrame], skeleton: Skeleton, folder: Path) -> DeepLabCutTable:
    """Make the table that DeepLabCut writes for a video: a row for each frame, x, y and likelihood of each body part.

    Its index is the number of the frame; of images it is their path, relative to ``folder`` if they are below it, so
    that a file in the folder of a DeepLabCut project has 'labeled-data/VIDEO/IMAGE'. Pixel centers are at integers, as
    in DeepLabCut.

    Args:
        frames: of one video, or images.
        skeleton: of all instances.
        folder: of the file.

    Raises:
        ValueError: frames of several videos, or of a video and images.
    """
    videos = {frame.source for frame in frames if frame.frame is not None}
    if len(videos) > 1 or (videos and any(frame.frame is None for frame in frames)):
        raise ValueError('a file of DeepLabCut has the frames of one video, or images: write a file for each video.')
    several = has_several(frames)
    animals = individuals(frames) if several else ['']
    levels = ('scorer', 'individuals', 'bodyparts', 'coords') if several else ('scorer', 'bodyparts', 'coords')
    columns: List[Tuple[str, ...]] = [
        (SCORER, *([animal] if several else []), name, coordinate)
        for animal in animals
        for name in skeleton.names
        for coordinate in ('x', 'y', 'likelihood')
    ]
    values = np.full((len(frames), len(animals), len(skeleton.names), 3), np.nan)
    for row, frame in zip(values, frames):
        for animal, instance in by_individual(frame).items():
            entry = row[animals.index(animal) if several else 0]
            entry[:, :2], entry[:, 2] = instance.keypoints, instance.scores
    index = [image_path(frame.source, folder) if frame.frame is None else frame.frame for frame in frames]
    return DeepLabCutTable(levels, columns, index, values.reshape(len(frames), -1))


def write_deeplabcut_csv(frames: Sequence[PredictedFrame], skeleton: Skeleton, path: Path) -> None:
    """Write the table of :func:`deeplabcut_table` as CSV; cells of points that were not found are empty."""
    table = deeplabcut_table(frames, skeleton, path.parent)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    for level, names in zip(table.levels, zip(*table.columns)):
        writer.writerow([level, *names])
    for name, row in zip(table.index, table.values):
        writer.writerow([name, *('' if np.isnan(value) else f'{value:.5f}' for value in row)])
    atomic_write(path, text.getvalue().encode())
