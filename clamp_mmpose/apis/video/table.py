"""The table of a video's tracks: frame, id, name, x, y, score."""

import csv
import io
import math
from pathlib import Path
from typing import Dict, Sequence, Tuple, Union

import numpy as np

from clamp_mmpose.apis.formats import PredictedFrame
from clamp_mmpose.utils.files import atomic_write, read_text

COLUMNS = ('frame', 'id', 'name', 'x', 'y', 'score')


def write_tracks(frames: Sequence[PredictedFrame], names: Sequence[str], path: Path) -> None:
    """Write one row for each keypoint of each instance; x and y are pixels of the frame, empty if not found.

    Args:
        frames: of one video, with tracks.
        names: K names.

    Raises:
        ValueError: an instance has another number of keypoints.
        OSError: the file cannot be written; one of this name stays as it was.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow(COLUMNS)
    for frame in frames:
        for found in frame.instances:
            if len(found.keypoints) != len(names):
                raise ValueError(
                    f'frame {frame.frame} has an instance with {len(found.keypoints)} keypoints, expected '
                    f'{len(names)} ({", ".join(names)!s:.80}).'
                )
            for name, point, score in zip(names, found.keypoints, found.scores):
                place = [f'{value:.3f}' if np.isfinite(value) else '' for value in point]
                writer.writerow([frame.frame, found.track, name, *place, f'{score:.4f}'])
    atomic_write(path, text.getvalue().encode())


def read_tracks(path: Union[str, Path], names: Sequence[str]) -> Dict[Tuple[int, int], np.ndarray]:
    """Read the table back: (frame, id) -> ``[K, 3]``, x, y and score; NaN where there is no row or no place.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is of another skeleton than ``names``, has other columns, or a row that cannot be read.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'tracks {path} not found (looked in {Path.cwd()}): give a file of predict VIDEO.')
    header, *rows = list(csv.reader(io.StringIO(read_text(path)))) or [[]]
    if tuple(header) != COLUMNS:
        raise ValueError(f'tracks {path} must have the columns {",".join(COLUMNS)}, got {",".join(header)!s:.80}.')
    found: Dict[Tuple[int, int], np.ndarray] = {}
    own = dict.fromkeys(row[2] for row in rows if len(row) == len(COLUMNS))
    if own and set(own) != set(names):
        raise ValueError(
            f'tracks {path} are of another skeleton: they have {", ".join(own)!s:.80}, expected '
            f'{", ".join(names)!s:.80}.'
        )
    for number, row in enumerate(rows, 2):
        try:
            frame, track, name, x, y, score = row
            values = [_number(value) for value in (x, y, score)]
            found.setdefault((int(frame), int(track)), np.full((len(names), 3), np.nan))[list(names).index(name)] = (
                values
            )
        except ValueError as error:
            raise ValueError(f'tracks {path}, line {number} cannot be read: {error}.') from error
    return found


def _number(text: str) -> float:
    if text and not math.isfinite(float(text)):
        raise ValueError(f'{text} is not a finite number')
    return float(text) if text else math.nan
