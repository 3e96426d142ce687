"""Checks what is written against its skeleton."""

from typing import Iterable, List

import numpy as np

from .predicted_frames import PredictedFrame, PredictedInstance, Skeleton


def checked_frames(frames: Iterable[PredictedFrame], skeleton: Skeleton) -> List[PredictedFrame]:
    """The frames, if every instance fits the skeleton; NaN coordinates are points that were not found.

    Raises:
        ValueError: other keypoints than those of the skeleton, values that are not numbers, one track twice in a frame,
            or a frame twice.
    """
    if not skeleton.names or len(set(skeleton.names)) != len(skeleton.names):
        raise ValueError(f'a skeleton needs keypoints with distinct names, got {list(skeleton.names)!r:.80}.')
    frames = list(frames)
    seen = set()
    for frame in frames:
        place = frame.source if frame.frame is None else f'{frame.source}, frame {frame.frame}'
        if (frame.source, frame.frame) in seen:
            raise ValueError(f'{place} occurs twice: give each image once, with all of its instances.')
        seen.add((frame.source, frame.frame))
        tracks = [instance.track for instance in frame.instances if instance.track is not None]
        if len(set(tracks)) < len(tracks):
            raise ValueError(f'{place} has a track twice, expected different numbers: {sorted(tracks)}.')
        for instance in frame.instances:
            _check(instance, skeleton, place)
    return frames


def _check(instance: PredictedInstance, skeleton: Skeleton, place: str) -> None:
    number = len(skeleton.names)
    shapes = np.shape(instance.keypoints), np.shape(instance.scores)
    if shapes != ((number, 2), (number,)):
        raise ValueError(
            f'{place}: expected {number} keypoints ({", ".join(skeleton.names)!s:.60}), got arrays of shape '
            f'{shapes[0]} and {shapes[1]}: these are results of another skeleton.'
        )
    if np.isinf(instance.keypoints).any() or not np.isfinite([*instance.box, instance.score]).all():
        raise ValueError(f'{place}: keypoints, box or score are not finite numbers.')
