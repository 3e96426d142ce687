"""Images beside a file that names them: links to photos, and frames of a video."""

import os
from pathlib import Path
from typing import Dict, Iterator, List, Sequence, Tuple

import cv2
import numpy as np

from clamp_mmpose.apis.outputs import write_image
from clamp_mmpose.utils.files import atomic_write

from .predicted_frames import PredictedFrame

MOST_FRAMES = 1000


def image_names(frames: Sequence[PredictedFrame]) -> List[str]:
    """File names, of a frame ``VIDEO_000012.png``; all with a number in front if some differ only in their suffixes."""
    names = [
        Path(frame.source).name if frame.frame is None else f'{Path(frame.source).stem}_{frame.frame:06d}.png'
        for frame in frames
    ]
    if len({Path(name).stem.casefold() for name in names}) < len(names):
        names = [f'{number:06d}_{name}' for number, name in enumerate(names)]
    return names


def place_images(frames: Sequence[PredictedFrame], targets: Sequence[Path]) -> None:
    """Link each image to its target, or copy it where links are not allowed; frames of videos are written as images.

    Raises:
        ValueError: too many frames, or a video without some of them.
    """
    wanted: Dict[str, Dict[int, Path]] = {}
    for frame, target in zip(frames, targets):
        target.parent.mkdir(parents=True, exist_ok=True)
        if frame.frame is not None:
            wanted.setdefault(frame.source, {})[frame.frame] = target
            continue
        source = Path(os.path.abspath(frame.source))
        try:
            target.symlink_to(source)
        except OSError:  # Windows, some network drives
            atomic_write(target, source.read_bytes())
    number = sum(map(len, wanted.values()))
    if number > MOST_FRAMES:
        raise ValueError(
            f'this format needs each frame as an image, at most {MOST_FRAMES:,}, got {number:,}: take every nth frame.'
        )
    for video, files in wanted.items():
        read = 0
        for index, image in _frames(video, max(files)):
            if index in files:
                write_image(files[index], image[..., ::-1])
                read += 1
        if read < len(files):
            raise ValueError(f'video {video} has no frame {max(files)}: these are results of another file.')


def _frames(video: str, last: int) -> Iterator[Tuple[int, np.ndarray]]:
    """The frames of a video, BGR; OpenCV's seeking is not exact for all files."""
    capture = cv2.VideoCapture(video)
    try:
        for index in range(last + 1):
            done, image = capture.read()
            if not done:
                return
            yield index, image
    finally:
        capture.release()
