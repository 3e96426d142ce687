"""Writes predictions in the formats of other tools."""

from pathlib import Path
from typing import Callable, Dict, Iterable, NamedTuple, Union

from clamp_mmpose.utils.choices import check_choice

from .check import checked_frames
from .coco import write_coco
from .deeplabcut_csv import write_deeplabcut_csv
from .predicted_frames import PredictedFrame, Skeleton


class Format(NamedTuple):
    """How predictions are written, and how such a file ends."""

    write: Callable[..., None]
    ending: str


FORMATS: Dict[str, Format] = {
    'coco': Format(write_coco, '.coco.json'),
    'dlc-csv': Format(write_deeplabcut_csv, '.dlc.csv'),
}


def prediction_file(folder: Union[str, Path], name: str, format: str) -> Path:
    """The file ``folder/NAME.ENDING`` of a format, such as ``out/mouse.dlc.csv``."""
    check_choice('format', format, tuple(FORMATS))
    return Path(folder) / f'{name}{FORMATS[format].ending}'


def write_predictions(
    frames: Iterable[PredictedFrame], skeleton: Skeleton, format: str, path: Union[str, Path]
) -> Path:
    """Write what was found in images, or in the frames of a video.

    Args:
        frames: images, or frames of a video.
        skeleton: of all instances.
        format: a key of ``FORMATS``.
        path: the file, see :func:`prediction_file`; missing folders are created.

    Returns:
        Path: the file.

    Raises:
        ValueError: an unknown format, an instance with other keypoints than those of the skeleton, or frames that the
            format cannot hold.
        OSError: the file cannot be written; a file of this name stays as it was.
    """
    check_choice('format', format, tuple(FORMATS))
    path = Path(path)
    FORMATS[format].write(checked_frames(frames, skeleton), skeleton, path)
    return path
