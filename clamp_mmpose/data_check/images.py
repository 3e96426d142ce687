"""Check image files: missing, damaged, of another size than annotated, rotated by EXIF."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from os import path as osp
from typing import Any, Callable, Iterable, Iterator, List, Optional, Tuple

from mmengine.fileio import get, isdir
from PIL import Image

from clamp_mmpose.datasets.files.images import is_truncated

from .annotations import image_size
from .findings import Finding, reason_of

EXIF_ORIENTATION = 0x0112


def _silent(iterable: Iterable, **_: Any) -> Iterable:
    return iterable


@dataclass(frozen=True)
class ImageCheck:
    """How images are checked.

    Args:
        decode: open every image; else only file names are compared.
        workers: threads that decode; None: Python's choice for this machine.
        progress: wraps the iterator over the images of a data set, such as ``rich.progress.track``.
    """

    decode: bool = True
    workers: Optional[int] = None
    progress: Callable[..., Iterable] = _silent  # of (iterable, total=..., description=...)


def image_findings(entries: List[dict], folder: str, how: ImageCheck, where: str) -> Iterator[Finding]:
    """Faults of the images in ``folder`` that are listed in ``entries`` of an annotation file.

    Args:
        where: description for ``how.progress``.
    """
    if not how.decode:
        return
    if folder and not isdir(folder):
        yield Finding('IM003', folder, f'{len(entries):,} images')
        return
    with ThreadPoolExecutor(how.workers) as pool:  # Pillow releases the GIL while decoding
        faults = pool.map(lambda entry: _image_fault(osp.join(folder, entry['file_name']), entry), entries)
        for fault, entry in zip(how.progress(faults, total=len(entries), description=where), entries):
            if fault is not None:
                code, detail = fault
                yield Finding(code, entry['file_name'], detail)


def _image_fault(path: str, entry: dict) -> Optional[Tuple[str, str]]:
    """Code and detail, None if there is no fault."""
    try:
        content = get(path)
    except FileNotFoundError:
        return 'IM004', path
    except (OSError, ValueError) as error:
        return 'IM005', reason_of(error)
    try:
        with Image.open(BytesIO(content)) as image:
            orientation = image.getexif().get(EXIF_ORIENTATION, 1)
            image.load()
            stored = image.size
    except Exception as error:  # Pillow raises errors of many kinds for a damaged file
        return 'IM005', f'{len(content):,} bytes, {reason_of(error)}'
    if is_truncated(content):
        return 'IM005', f'{len(content):,} bytes, its end is missing'
    rotated = isinstance(orientation, int) and 2 <= orientation <= 8
    size = stored[::-1] if rotated and orientation >= 5 else stored  # as OpenCV reads it
    annotated = image_size(entry)
    tag = f', EXIF orientation {orientation}' if rotated else ''
    if annotated is not None and annotated != size:
        return (
            'IM006',
            f'{size[0]}x{size[1]} as MMPose reads it{tag}, {annotated[0]:g}x{annotated[1]:g} in the annotations',
        )
    if rotated:
        proven = stored != size and annotated is not None
        return 'IM008' if proven else 'IM007', tag[2:]
    return None
