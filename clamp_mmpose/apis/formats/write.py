"""Writes predictions in the formats of other tools."""

from pathlib import Path
from typing import Callable, Dict, Iterable, NamedTuple, Tuple, Union

from clamp_mmpose.utils.choices import check_choice
from clamp_mmpose.utils.files import check_writable

from .check import checked_frames
from .coco import write_coco
from .deeplabcut_csv import write_deeplabcut_csv
from .deeplabcut_h5 import write_deeplabcut_h5
from .extra import load_extra
from .label_studio import write_label_studio
from .nwb import write_nwb
from .predicted_frames import PredictedFrame, Skeleton
from .sleap import write_sleap
from .yolo import check_new, write_yolo


class Format(NamedTuple):
    """How predictions are written, how such a file ends, the packages that are needed, and whether it is a folder."""

    write: Callable[..., None]
    ending: str
    packages: Tuple[str, ...] = ()
    is_folder: bool = False


FORMATS: Dict[str, Format] = {
    'coco': Format(write_coco, '.coco.json'),
    'dlc-csv': Format(write_deeplabcut_csv, '.dlc.csv'),
    'dlc-h5': Format(write_deeplabcut_h5, '.dlc.h5', ('h5py',)),
    'slp': Format(write_sleap, '.slp', ('sleap_io',)),
    'nwb': Format(write_nwb, '.nwb', ('h5py', 'ndx_pose', 'pynwb')),
    'yolo': Format(write_yolo, '.yolo', is_folder=True),
    'label-studio': Format(write_label_studio, '.label-studio.json'),
}


def prediction_file(folder: Union[str, Path], name: str, format: str) -> Path:
    """The file ``folder/NAME.ENDING`` of a format, such as ``out/mouse.dlc.csv``."""
    check_choice('format', format, tuple(FORMATS))
    return Path(folder) / f'{name}{FORMATS[format].ending}'


def check_target(format: str, path: Path) -> None:
    """Check before the work that a file of this format can be written; missing folders are created.

    Raises:
        ImportError: a package is missing.
        OSError: it cannot be written.
    """
    for package in FORMATS[format].packages:
        load_extra(package)
    if FORMATS[format].is_folder:
        check_new(path)
    else:
        check_writable(path)


def write_predictions(
    frames: Iterable[PredictedFrame],
    skeleton: Skeleton,
    format: str,
    path: Union[str, Path],
    min_score: float = 0.0,
) -> Path:
    """Write what was found in images, or in the frames of a video.

    Args:
        frames: images, or frames of a video.
        skeleton: of all instances.
        format: a key of ``FORMATS``.
        path: the file, see :func:`prediction_file`; missing folders are created.
        min_score: keypoints with a lower score are left out of the format that has no scores, YOLO's.

    Returns:
        Path: the file.

    Raises:
        ValueError: an unknown format, an instance with other keypoints than those of the skeleton, or frames that the
            format cannot hold.
        OSError: the file cannot be written; a file of this name stays as it was.
    """
    check_choice('format', format, tuple(FORMATS))
    path = Path(path)
    options = dict(min_score=min_score) if format == 'yolo' else {}
    FORMATS[format].write(checked_frames(frames, skeleton), skeleton, path, **options)
    return path
