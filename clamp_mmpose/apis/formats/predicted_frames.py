"""What was found in an image or a frame of a video, before it is written in a format."""

from dataclasses import dataclass, field
from typing import List, Optional, Tuple

import numpy as np


@dataclass
class PredictedInstance:
    """One animal, person or object.

    Args:
        keypoints: ``[K, 2]``, (x, y) in pixels of the original image.
        scores: ``[K]``, 0 to 1.
        box: (x1, y1, x2, y2) in pixels of the original image.
        score: of the whole instance.
        track: its number in a video; None: not tracked.
    """

    keypoints: np.ndarray
    scores: np.ndarray
    box: Tuple[float, float, float, float]
    score: float
    track: Optional[int] = None


@dataclass
class PredictedFrame:
    """An image, or a frame of a video.

    Args:
        source: path of the image or the video.
        width, height: in pixels.
        frame: index in the video, from 0; None: an image.
        instances: those found.
    """

    source: str
    width: int
    height: int
    frame: Optional[int] = None
    instances: List[PredictedInstance] = field(default_factory=list)


@dataclass(frozen=True)
class Skeleton:
    """The keypoints of all instances: K names, pairs of indices that are joined, and pairs that mirroring exchanges."""

    names: Tuple[str, ...]
    links: Tuple[Tuple[int, int], ...] = ()
    swaps: Tuple[Tuple[int, int], ...] = ()
    category: str = 'animal'
