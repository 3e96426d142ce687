"""Runs the crops of images in batches of limited size."""

from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

import numpy as np

from .outputs import OutputNames

CROPS = 32  # a batch of the network has at most as many crops, or as many as there are images in it


@dataclass
class ImageBoxes:
    """An image with its boxes ``[N, 5]``, (x1, y1, x2, y2, score) in pixels.

    ``item`` is the input as the caller gave it, ``path`` its name in results, ``output`` the names of its files.
    """

    item: Any
    path: str
    image: np.ndarray
    boxes: np.ndarray
    output: Optional[OutputNames] = None


def crop_batches(
    images: Sequence[ImageBoxes],
    make: Callable[[ImageBoxes, np.ndarray], dict],
    limit: int,
    failed: Dict[int, Exception],
) -> Iterator[Tuple[List[int], List[dict]]]:
    """Make the crops of all boxes in turn, and yield at most ``limit`` of them at a time with their images' indices.

    Args:
        make: makes the crop of a box ``[5]``.
        failed: index of an image -> why it failed; no more crops of it are made. Errors of ``make`` are added.
    """
    owners: List[int] = []
    crops: List[dict] = []
    for i, image in enumerate(images):
        for box in image.boxes:
            if i in failed:
                break
            try:
                crop = make(image, box)
            except Exception as error:
                failed[i] = error
                break
            owners.append(i)
            crops.append(crop)
            if len(crops) == limit:
                yield owners, crops
                owners, crops = [], []
    if crops:
        yield owners, crops
