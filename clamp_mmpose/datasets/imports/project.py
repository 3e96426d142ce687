"""What somebody labeled, as any tool's reader hands it over."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, List, Optional, Tuple

import numpy as np


@dataclass
class LabeledInstance:
    """One animal, person or object.

    Args:
        keypoints: ``[K, 2]``, (x, y) in pixels of the image, pixel centers at integers; NaN: not labeled.
        visible: ``[K]`` bool; False: labeled where it is hidden; not given: all are visible.
        box: (x1, y1, x2, y2) in pixels if the tool has one.
        track: name of the individual, or number of the track.
        labeler: who labeled it, if the tool says so.
    """

    keypoints: np.ndarray
    visible: np.ndarray = field(default_factory=lambda: np.ones(0, bool))
    box: Optional[Tuple[float, float, float, float]] = None
    track: Optional[str] = None
    labeler: Optional[str] = None

    def __post_init__(self) -> None:
        self.keypoints = np.array(self.keypoints, float).reshape(-1, 2)
        self.keypoints[~np.isfinite(self.keypoints).all(axis=1)] = np.nan
        if len(self.visible) != len(self.keypoints):
            self.visible = np.ones(len(self.keypoints), bool)

    @property
    def labeled(self) -> np.ndarray:
        """``[K]`` bool: which keypoints have a position."""
        return ~np.isnan(self.keypoints[:, 0])


@dataclass
class LabeledImage:
    """An image, or a frame of a video.

    Args:
        name: its path below the folder of images, with '/'.
        path: the file; None: ``pixels`` gives the image.
        instances: those labeled.
        width, height: in pixels as the tool says; None: as the file says.
        video: name of the video that it is from, if known.
        frame: its index there, from 0.
        split: 'train', 'val' or 'test' if the tool says so.
        pixels: reads the frame as ``[H, W, 3]`` uint8 BGR; then ``width`` and ``height`` are set.
        aliases: other names that its file may have.
    """

    name: str
    path: Optional[Path] = None
    instances: List[LabeledInstance] = field(default_factory=list)
    width: Optional[int] = None
    height: Optional[int] = None
    video: Optional[str] = None
    frame: Optional[int] = None
    split: Optional[str] = None
    pixels: Optional[Callable[[], np.ndarray]] = None
    aliases: List[str] = field(default_factory=list)


@dataclass
class LabeledProject:
    """The labels of a project.

    Args:
        kind: of tool, such as ``'deeplabcut'``.
        names: K, as the tool has them.
        images: with instances of K keypoints.
        links: pairs of indices that the tool draws lines between.
        swaps: pairs of indices that mirroring exchanges; None: the tool does not say.
        category: of what the instances are, if the tool says so.
        notes: what was left out or changed, and why.
        folders: where images may be that are not at their ``path``.
    """

    kind: str
    names: List[str]
    images: List[LabeledImage]
    links: List[Tuple[int, int]] = field(default_factory=list)
    swaps: Optional[List[Tuple[int, int]]] = None
    category: Optional[str] = None
    notes: List[str] = field(default_factory=list)
    folders: List[Path] = field(default_factory=list)


@dataclass(frozen=True)
class ReadOptions:
    """What readers can be told.

    Args:
        category: of several in a file, which.
        image_folders: where images or videos may be that are not where the file says.
        predictions: also take what a model predicted and nobody corrected.
    """

    category: Optional[str] = None
    image_folders: Tuple[Path, ...] = ()
    predictions: bool = False
