"""Check image files: missing, damaged, of another size than annotated, rotated by EXIF."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from os import path as osp
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Tuple

from mmengine.fileio import get, isdir
from PIL import Image, UnidentifiedImageError

from clamp_mmpose.datasets.files.images import decode_image, is_truncated

from .fields import image_size
from .findings import Finding, reason_of

EXIF_ORIENTATION = 0x0112
COMMON_FORMATS = ('JPEG', 'MPO', 'PNG', 'BMP', 'WEBP', 'PPM')
DECODED_PIXELS = 50_000_000  # larger images are not decoded: each thread would need hundreds of megabytes
OPENCV_PIXELS = 2**30
OPENCV_SIDE = 2**20


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


def image_findings(
    entries: List[dict], folder: str, how: ImageCheck, where: str, digests: Dict[str, bytes]
) -> Iterator[Finding]:
    """Faults of the images in ``folder`` that are listed in ``entries`` of an annotation file.

    Args:
        where: description for ``how.progress``.
        digests: gets a hash of the bytes of each image that could be read, by its path.
    """
    if not how.decode:
        return
    if folder and not isdir(folder):
        yield Finding('IM003', folder, f'{len(entries):,} images')
        return
    with _any_size(), ThreadPoolExecutor(how.workers) as pool:  # Pillow releases the GIL while decoding
        faults = pool.map(lambda entry: _file_fault(osp.join(folder, entry['file_name']), entry, digests), entries)
        for fault, entry in zip(how.progress(faults, total=len(entries), description=where), entries):
            if fault is not None:
                code, detail = fault
                yield Finding(code, entry['file_name'], detail)


def same_content(digests: Dict[str, bytes], others: Dict[str, bytes]) -> Iterator[Tuple[str, str]]:
    """Each path of ``digests`` with one of ``others`` that is another file of the same bytes.

    Images of one color are left out: placeholders are alike without being copies.
    """
    by_digest = {digest: path for path, digest in sorted(others.items(), reverse=True)}
    for path, digest in sorted(digests.items()):
        other = by_digest.get(digest, path)
        if osp.realpath(other) != osp.realpath(path) and not _one_color(path):
            yield path, other


def _one_color(path: str) -> bool:
    try:
        with _any_size(), Image.open(BytesIO(get(path))) as image:
            extrema = image.getextrema()
    except Exception:  # as in _image_fault
        return False
    return all(low == high for low, high in (extrema if isinstance(extrema[0], tuple) else [extrema]))


def _file_fault(path: str, entry: dict, digests: Dict[str, bytes]) -> Optional[Tuple[str, str]]:
    """Code and detail, None if there is no fault."""
    if osp.exists(path) and not osp.isfile(path):  # reading a pipe would wait forever
        return 'IM005', 'it is not a regular file'
    try:
        content = get(path)
    except FileNotFoundError:
        return 'IM004', _other_case(path) or path
    except (OSError, ValueError) as error:
        return 'IM005', reason_of(error)
    if not content:
        return 'IM005', 'the file is empty'
    digests[path] = hashlib.blake2b(content, digest_size=16).digest()
    return _image_fault(content, entry)


def _image_fault(content: bytes, entry: dict) -> Optional[Tuple[str, str]]:
    try:
        size, orientation = _read_size(content)
    except Exception as error:  # Pillow raises errors of many kinds for a damaged file
        kind = ', it is text' if content.lstrip()[:1] in (b'<', b'{') else ''
        return 'IM005', f'{len(content):,} bytes{kind}, {reason_of(error)}'
    if is_truncated(content):
        return 'IM005', f'{len(content):,} bytes, its end is missing'
    if size[0] * size[1] > OPENCV_PIXELS:
        return 'IM005', f'{size[0]}x{size[1]}, OpenCV reads {OPENCV_PIXELS:,} pixels at most'
    if max(size) > OPENCV_SIDE:
        return 'IM005', f'{size[0]}x{size[1]}, OpenCV reads {OPENCV_SIDE:,} pixels in a row or column at most'
    annotated = image_size(entry)
    tag = f', EXIF orientation {orientation}' if orientation > 1 else ''
    if annotated is not None and annotated != size:
        return (
            'IM006',
            f'{size[0]}x{size[1]} as MMPose reads it{tag}, {annotated[0]:g}x{annotated[1]:g} in the annotations',
        )
    if tag:
        proven = orientation >= 5 and size[0] != size[1] and annotated is not None
        return 'IM008' if proven else 'IM007', tag[2:]
    return None


def _read_size(content: bytes) -> Tuple[Tuple[int, int], int]:
    """(w, h) as MMPose reads the image, and its EXIF orientation, 1 if it has none; an error if it is damaged."""
    try:
        with Image.open(BytesIO(content)) as image:
            size, kind, mode = image.size, image.format, image.mode
            large = size[0] * size[1] > DECODED_PIXELS
            # Pillow decodes a PNG without an EXIF part to look for one at its end
            has_tags = not (large and kind == 'PNG') or 'exif' in image.info
            orientation = image.getexif().get(EXIF_ORIENTATION, 1) if has_tags else 1
            if not large:
                image.load()
        if large and kind == 'PNG':
            with Image.open(BytesIO(content)) as image:
                image.verify()  # checksums of all parts
    except UnidentifiedImageError:
        orientation, kind, mode = 1, None, ''  # a format that Pillow does not know
    rotated = isinstance(orientation, int) and 2 <= orientation <= 8
    # which formats are read, and rotated, depends on OpenCV's version; floats must be in 0..1
    if rotated or kind not in COMMON_FORMATS or mode in ('F', 'I'):
        pixels = decode_image(content, f'of the format {kind or "unknown"}')
        size = pixels.shape[1], pixels.shape[0]
    return size, orientation if rotated else 1


def _other_case(path: str) -> Optional[str]:
    """The file of the same folder that is named like it but for case or extension."""
    folder, name = osp.split(path)
    try:
        others = os.listdir(folder or '.')
    except OSError:
        return None
    same = [other for other in others if other.lower() == name.lower()]
    stem = [other for other in others if osp.splitext(other)[0].lower() == osp.splitext(name)[0].lower()]
    return f'{path}, there is {(same or stem)[0]}' if same or stem else None


@contextmanager
def _any_size() -> Iterator[None]:
    """Pillow refuses large images as a possible attack; OpenCV, which reads them in training, has its own limit."""
    limit = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = limit
