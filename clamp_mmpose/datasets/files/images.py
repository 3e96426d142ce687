import mimetypes
import os
from io import BytesIO
from pathlib import Path
from typing import Any, List, Optional, Tuple, Union

import cv2
import mmcv
import numpy as np
from mmengine.fileio import get
from PIL import Image

from .arrays import to_bgr, to_uint8

# image suffixes that Python's table lacks in some versions
SUFFIXES = ('.webp', '.jfif', '.avif', '.heic', '.heif', '.jp2', '.tif', '.tiff')
FLAGS = dict(
    color=cv2.IMREAD_COLOR,
    grayscale=cv2.IMREAD_GRAYSCALE,
    color_ignore_orientation=cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION,
    grayscale_ignore_orientation=cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION,
)
EXIF_ORIENTATION = 0x0112
TURNED = (5, 6, 7, 8)  # by 90 or 270 degrees
REMEDY = 'restore the file or leave it out; tools/check_dataset.py finds every bad image of a config'


def read_image(path: str, color_type: str = 'color', backend: str = 'cv2') -> np.ndarray:
    """Decode a whole image file: uint8 ``[H, W, 3]`` BGR, rotated as its EXIF tag says.

    OpenCV fills the missing part of a truncated JPEG with gray without a warning; here it is an error. Files of 16 bits
    or floats: see :func:`to_uint8`.

    Args:
        color_type: as ``flag`` of ``mmcv.imfrombytes``; ``'grayscale'`` gives ``[H, W]``.
        backend: as for ``mmcv.imfrombytes``.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: the file is empty, truncated, not an image, or not a regular file.
    """
    if os.path.exists(path) and not os.path.isfile(path):  # reading a pipe would wait forever
        raise ValueError(f'image {path} is not a regular file: give the path of an image file.')
    try:
        content = get(path)
    except FileNotFoundError as error:
        raise FileNotFoundError(f'image {path} does not exist: check the path, or {REMEDY}.') from error
    except KeyError as error:
        raise ValueError(f'image {path} has an unknown kind of address, {error}: give the path of a file.') from error
    return decode_image(content, path, color_type, backend)


def decode_image(content: bytes, path: str, color_type: str = 'color', backend: str = 'cv2') -> np.ndarray:
    """Decode the bytes of a whole image file, see :func:`read_image`; ``path`` is its name in errors."""
    if is_truncated(content):
        raise ValueError(f'image {path} is truncated ({len(content):,} bytes): {REMEDY}.')
    if color_type in FLAGS and backend == 'cv2':
        image = _decode(content, color_type, path) if content else None
    else:
        image = mmcv.imfrombytes(content, flag=color_type, backend=backend) if content else None
    if image is None:
        raise ValueError(f'image {path} cannot be decoded ({len(content):,} bytes): {REMEDY}.')
    return image


def image_size(path: Union[str, Path]) -> Tuple[int, int]:
    """Width and height from an image file's header, rotated as its EXIF tag says; nothing is decoded.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: it is not an image.
    """
    if not os.path.isfile(path):
        raise FileNotFoundError(
            f'image {path} does not exist, and its size is needed: check data_root and data_prefix.'
        )
    try:
        with Image.open(path) as image:
            # Pillow decodes a PNG without an EXIF part to look for one at its end
            has_tags = image.format != 'PNG' or 'exif' in image.info
            turned = has_tags and image.getexif().get(EXIF_ORIENTATION) in TURNED
            width, height = image.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:  # Pillow's for damaged files
        raise ValueError(f'image {path} cannot be read: {error}; {REMEDY}.') from error
    return (height, width) if turned else (width, height)


def image_files(folder: Union[str, Path], pattern: str = '*') -> List[Path]:
    """The files of a folder whose names are those of images, sorted; ``'**/*'``: also of its subfolders."""
    return sorted(path for path in Path(folder).glob(pattern) if is_image_name(path.name) and not path.is_dir())


def is_image_name(name: str) -> bool:
    kind = mimetypes.guess_type(name, strict=False)[0] or ''
    return kind.startswith('image/') or name.lower().endswith(SUFFIXES)


def _decode(content: bytes, color_type: str, path: str) -> Optional[np.ndarray]:
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), FLAGS[color_type] | cv2.IMREAD_ANYDEPTH)
    except cv2.error:  # such as more pixels than it allows
        image = None
    if image is not None:
        return to_uint8(image, f'image {path}')
    if not content.startswith((b'II*\0', b'MM\0*')):
        return None
    try:  # OpenCV does not convert gray TIFF files of 32 bits
        with Image.open(BytesIO(content), formats=['TIFF']) as tiff:
            tiff.load()
            deep = tiff.mode in ('I', 'F')
            image = to_bgr(tiff, f'image {path}') if deep else None
    except (OSError, SyntaxError, Image.DecompressionBombError):  # Pillow's errors for a damaged file
        return None
    return image[..., 0] if image is not None and color_type.startswith('grayscale') else image


def silence_opencv() -> None:
    """Keep OpenCV from printing its own lines on damaged images, which :func:`read_image` reports."""
    if 'OPENCV_LOG_LEVEL' not in os.environ:
        opencv_logging().setLogLevel(0)  # silent


def opencv_logging() -> Any:
    """The module with ``getLogLevel`` and ``setLogLevel``, which OpenCV 5 moved."""
    return cv2.utils.logging if hasattr(cv2.utils, 'logging') else cv2


def is_truncated(content: bytes) -> bool:
    """Whether a JPEG or PNG ends early; data after its end, which phones append, is ignored."""
    if content.startswith(b'\xff\xd8'):
        scan = _first_scan(content)
        return scan is not None and b'\xff\xd9' not in content[scan:]  # the end marker cannot occur inside a scan
    return content.startswith(b'\x89PNG') and b'IEND' not in content


def _first_scan(content: bytes) -> Optional[int]:
    """Offset of a JPEG's first scan, after header and thumbnail; its length if it has none; None if not a JPEG."""
    position = 2
    while position + 4 <= len(content):
        if content[position] != 0xFF:
            return None
        if content[position + 1] == 0xDA:
            return position
        filled = content[position + 1] == 0xFF  # any number of FF may precede a marker
        position += 1 if filled else 2 + int.from_bytes(content[position + 2 : position + 4], 'big')
    return len(content)
