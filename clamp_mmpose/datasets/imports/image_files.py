"""Looks at the images of a project: which can be read, their sizes, and which labels lie inside."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from clamp_mmpose.datasets.files.images import image_files, read_image, silence_opencv

from .project import LabeledImage

EDGE = 1.0  # pixels beyond the border that are rounding
SAME_SHAPE = 0.01


class Outside(NamedTuple):
    """A label outside of its image, in pixels."""

    image: str
    keypoint: int
    x: float
    y: float


def search_images(images: Sequence[LabeledImage], folders: Sequence[Path]) -> None:
    """Look for images that are not where the project says: by their path below a folder, else by their name."""
    absent = [image for image in images if image.pixels is None and not (image.path and image.path.is_file())]
    known: Dict[str, List[Path]] = {}
    for folder in dict.fromkeys(folders) if absent else ():
        for path in image_files(folder, '**/*'):
            parts = path.relative_to(folder).parts
            for start in range(len(parts)):
                known.setdefault('/'.join(parts[start:]).lower(), []).append(path)
    for image in absent:
        for name in (image.name, *image.aliases):
            parts = name.split('/')
            found = (known.get('/'.join(parts[start:]).lower(), []) for start in range(len(parts)))
            path = next((paths[0] for paths in found if len(paths) == 1), None)
            if path is not None:
                image.path = path
                break


def check_images(
    images: Sequence[LabeledImage], progress: Callable[..., Iterable] = lambda iterator, **options: iterator
) -> Tuple[List[LabeledImage], List[str], List[str], List[Outside]]:
    """Read all images and set their sizes; labels outside of an image are removed.

    Args:
        progress: wraps the iterator over the images, such as ``rich.progress.track``.

    Returns:
        tuple: the images that can be used; reasons why the others cannot; what was changed; labels that were outside.
    """
    silence_opencv()
    with ThreadPoolExecutor() as pool:
        sizes = list(progress(pool.map(_size, images), total=len(images), description='Images'))
    usable, missing, notes = [], [], []
    outside: List[Outside] = []
    for image, (size, fault) in zip(images, sizes):
        if size is None or fault:
            missing.append(fault)
            continue
        fault = _fit(image, size, notes)
        if fault:
            missing.append(fault)
            continue
        _remove_outside(image, outside)
        usable.append(image)
    return usable, missing, notes, outside


def _size(image: LabeledImage) -> Tuple[Optional[Tuple[int, int]], str]:
    """Width and height, or why the image cannot be used."""
    try:
        if image.pixels is not None:  # a frame of a video; it is read when it is written
            return (image.width or 0, image.height or 0), ''
        if image.path is None:
            return None, f'image {image.name} does not exist' + (f': no video {image.video}' if image.video else '')
        pixels = read_image(str(image.path))
    except (OSError, ValueError) as error:
        return None, str(error)
    return (pixels.shape[1], pixels.shape[0]), ''


def _fit(image: LabeledImage, size: Tuple[int, int], notes: List[str]) -> str:
    """Scale labels that were made on another size of the image; why that cannot be, if so."""
    if image.width and image.height and (image.width, image.height) != size:
        scale = np.array(size) / (image.width, image.height)
        if abs(scale[0] / scale[1] - 1) > SAME_SHAPE:
            return (
                f'image {image.name} has {size[0]} x {size[1]} pixels, its labels are for '
                f'{image.width} x {image.height}'
            )
        notes.append(
            f'labels of {image.name} scaled from {image.width} x {image.height} to {size[0]} x {size[1]} pixels'
        )
        for instance in image.instances:
            instance.keypoints = (instance.keypoints + 0.5) * scale - 0.5
            if instance.box is not None:
                instance.box = tuple(np.array(instance.box) * np.tile(scale, 2))
    image.width, image.height = size
    return ''


def _remove_outside(image: LabeledImage, outside: List[Outside]) -> None:
    last = np.array([image.width, image.height]) - 1.0
    for instance in image.instances:
        points = instance.keypoints
        beyond = np.nan_to_num(np.maximum(-points, points - last)).max(axis=1) > EDGE
        outside += [Outside(image.name, int(k), *points[k].round(1).tolist()) for k in np.flatnonzero(beyond)]
        points[beyond] = np.nan
        instance.keypoints = points.clip(0, last)
