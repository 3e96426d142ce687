"""Faults of image files: missing, damaged, of another size than annotated, turned by a tag."""

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from os import path as osp
from typing import Callable, Iterable, Iterator, List, Optional, Tuple

from mmengine.fileio import get, isdir
from PIL import Image

from clamp_mmpose.datasets.files.images import is_truncated

from .annotations import Case, image_size

EXIF_ORIENTATION = 0x0112
Progress = Callable[..., Iterable]  # of (iterable, total=..., description=...); yields what the iterable yields


def reason_of(error: Exception) -> str:
    """Kind and first line of an error."""
    return ': '.join([type(error).__name__, *str(error).splitlines()[:1]])


def image_cases(
    entries: List[dict], folder: str, workers: Optional[int], progress: Progress, where: str
) -> Iterator[Case]:
    """Faults of the images that ``entries`` of an annotation file name, below ``folder``.

    Args:
        workers: threads; None: Python's choice for this machine.
        progress: wraps the decoded images, with ``where`` as its description.
    """
    if folder and not isdir(folder):
        yield 'image folder does not exist', folder, f'{len(entries):,} images'
        return
    with ThreadPoolExecutor(workers) as pool:  # Pillow decodes without holding Python's lock
        results = pool.map(lambda entry: _image_fault(osp.join(folder, entry['file_name']), entry), entries)
        for fault, entry in zip(progress(results, total=len(entries), description=where), entries):
            if fault is not None:
                yield fault[0], entry['file_name'], fault[1]


def _image_fault(path: str, entry: dict) -> Optional[Tuple[str, str]]:
    try:
        content = get(path)
    except FileNotFoundError:
        return 'image does not exist', path
    except (OSError, ValueError) as error:
        return 'image is truncated or damaged', reason_of(error)
    try:
        with Image.open(BytesIO(content)) as image:
            orientation = image.getexif().get(EXIF_ORIENTATION, 1)
            image.load()
            stored = image.size
    except Exception as error:  # each of Pillow's readers has its own way to fail on a damaged file
        return 'image is truncated or damaged', f'{len(content):,} bytes, {reason_of(error)}'
    if is_truncated(content):
        return 'image is truncated or damaged', f'{len(content):,} bytes, its end is missing'
    turned = isinstance(orientation, int) and 2 <= orientation <= 8
    size = stored[::-1] if turned and orientation >= 5 else stored  # as OpenCV reads it
    annotated = image_size(entry)
    tag = f', EXIF orientation {orientation}' if turned else ''
    if annotated is not None and annotated != size:
        return (
            'image has another size than its annotations',
            f'{size[0]}x{size[1]} as MMPose reads it{tag}, {annotated[0]:g}x{annotated[1]:g} in the annotations',
        )
    if turned:
        proven = stored != size and annotated is not None
        return 'image is turned by its EXIF tag' + (', as in its annotations' if proven else ''), tag[2:]
    return None
