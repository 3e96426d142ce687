"""Reads the frames of a video file."""

from pathlib import Path
from typing import Iterator, NamedTuple, Optional, Tuple

import cv2
import numpy as np

from clamp_mmpose.apis.inputs import VideoFrames, check_encodable

USUAL_RATE = 30.0  # frames per second, of a file that does not say


class VideoInfo(NamedTuple):
    """What the header of a video says.

    ``rate`` is in frames per second; ``frames``, their number, is an estimate in some formats, and 0 if unknown.
    """

    path: str
    rate: float
    frames: int


def video_info(path: str) -> VideoInfo:
    """Open a video and read its header.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it cannot be decoded.
    """
    check_encodable(path)
    if not Path(path).is_file():
        raise FileNotFoundError(f'video {path} does not exist (looked in {Path.cwd()}).')
    capture = cv2.VideoCapture(path)
    try:
        if not capture.isOpened() or not capture.grab():
            raise ValueError(
                f'video {path} cannot be opened: it is truncated, damaged, or in a format OpenCV cannot read.'
            )
        rate = capture.get(cv2.CAP_PROP_FPS)
        frames = int(max(0, capture.get(cv2.CAP_PROP_FRAME_COUNT)))
    finally:
        capture.release()
    return VideoInfo(path, rate if 0 < rate < 1e4 else USUAL_RATE, frames)


def read_frames(info: VideoInfo, every: int = 1, start: int = 0) -> VideoFrames:
    """The frames of a video in turn, as (index, image ``[H, W, 3]`` BGR); the image is None where it is not needed.

    They end at the first frame that cannot be decoded; :meth:`VideoFrames.check_complete` then says so.

    Args:
        every: give the images of frames 0, ``every``, 2 * ``every`` and so on.
        start: the first frame whose image is needed. Those before are read too: OpenCV's seeking is not exact.
    """
    return VideoFrames(_frames(info.path, every, start), f'video {info.path}', info.frames)


def _frames(path: str, every: int, start: int) -> Iterator[Tuple[int, Optional[np.ndarray]]]:
    capture = cv2.VideoCapture(path)
    index = 0
    try:
        while capture.grab():
            image = None
            if index >= start and index % every == 0:
                done, image = capture.retrieve()
                if not done:
                    return
            yield index, image
            index += 1
    finally:
        capture.release()
