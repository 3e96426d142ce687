"""Writes a video with the tracks drawn on its frames."""

import os
from pathlib import Path
from typing import Any, Callable, Iterator, List, Sequence

import cv2
import numpy as np

from clamp_mmpose.apis.formats import PredictedFrame, Skeleton
from clamp_mmpose.visualization.named_keypoints import PALETTE, draw_named_keypoints
from clamp_mmpose.visualization.text import put_text

from .frames import VideoInfo, read_frames

CODEC = 'mp4v'
NAMED = 12  # keypoints in a frame; more of them are drawn without their names


def draw_video(
    info: VideoInfo,
    frames: Sequence[PredictedFrame],
    skeleton: Skeleton,
    path: Path,
    every: int = 1,
    threshold: float = 0.3,
    progress: Callable[[List[Any]], Iterator[Any]] = iter,
) -> None:
    """Write an MP4 of the predicted frames, at the speed of the video; a file of this name is replaced at the end.

    Args:
        info: of the video that the frames are of.
        frames: in order, of every ``every``-th frame of the video.
        threshold: keypoints with a lower score are not drawn.
        progress: wraps the list of the frames.

    Raises:
        OSError: OpenCV cannot write it, or the disk is full.
    """
    part = path.with_name(f'.{path.stem}.{os.getpid()}.part.mp4')
    size = frames[0].width, frames[0].height
    writer = cv2.VideoWriter(str(part), cv2.VideoWriter_fourcc(*CODEC), max(1.0, info.rate / every), size)
    try:
        if not writer.isOpened():
            raise OSError(f'{path} cannot be written: OpenCV has no encoder for MP4, or the folder cannot be written.')
        images = (image for _, image in read_frames(info, every) if image is not None)
        for frame, image in zip(progress(list(frames)), images):
            writer.write(draw_frame(image, frame, skeleton, threshold))
        writer.release()
        if _count(part) < len(frames):
            raise OSError(f'{path} could not be written as a whole: the disk is full?')
        os.replace(part, path)
    finally:
        writer.release()
        part.unlink(missing_ok=True)


def draw_frame(image: np.ndarray, frame: PredictedFrame, skeleton: Skeleton, threshold: float = 0.3) -> np.ndarray:
    """A copy of an image ``[H, W, 3]`` BGR with the keypoints, and the numbers of the tracks if there are several."""
    found = frame.instances
    if not found:
        return image
    number = sum(len(instance.keypoints) for instance in found)
    drawn = draw_named_keypoints(
        image[..., ::-1],
        np.array([instance.keypoints for instance in found]),
        skeleton.names,
        np.array([instance.scores for instance in found]),
        threshold,
        skeleton.links,
        labels=number <= NAMED,
    )
    for instance in found if len(found) > 1 else ():
        x, y = (int(np.clip(value, 0, side - 1)) for value, side in zip(instance.box[:2], image.shape[1::-1]))
        color = PALETTE[(instance.track or 0) % len(PALETTE)]
        put_text(drawn, str(instance.track), (x, max(y, 20)), 0.7, color, 2)
    return np.ascontiguousarray(drawn[..., ::-1])


def _count(path: Path) -> int:
    capture = cv2.VideoCapture(str(path))
    try:
        return int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) if capture.isOpened() else 0
    finally:
        capture.release()
