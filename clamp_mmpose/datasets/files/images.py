from typing import Optional

import mmcv
import numpy as np
from mmengine.fileio import get

REMEDY = 'restore the file or leave it out; tools/check_dataset.py finds every bad image of a config'


def read_image(path: str, color_type: str = 'color', backend: str = 'cv2') -> np.ndarray:
    """Decode a whole image file: ``[H, W, 3]`` BGR, rotated as its EXIF tag says.

    OpenCV fills the missing part of a truncated JPEG with gray without a warning; here it is an error.

    Args:
        color_type: as ``flag`` of ``mmcv.imfrombytes``; ``'grayscale'`` gives ``[H, W]``.
        backend: as for ``mmcv.imfrombytes``.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: the file is empty, truncated or not an image.
    """
    try:
        content = get(path)
    except FileNotFoundError as error:
        raise FileNotFoundError(f'image {path} does not exist: check the path, or {REMEDY}.') from error
    if is_truncated(content):
        raise ValueError(f'image {path} is truncated ({len(content):,} bytes): {REMEDY}.')
    image = mmcv.imfrombytes(content, flag=color_type, backend=backend) if content else None
    if image is None:
        raise ValueError(f'image {path} cannot be decoded ({len(content):,} bytes): {REMEDY}.')
    return image


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
