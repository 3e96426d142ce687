import mmcv
import numpy as np
from mmengine.fileio import get

REMEDY = 'restore the file or leave it out; tools/check_dataset.py finds every bad image of a config'


def read_image(path: str, color_type: str = 'color', backend: str = 'cv2') -> np.ndarray:
    """Decode a whole image file: ``[H, W, 3]`` BGR, turned as its EXIF says.

    OpenCV fills the missing part of a truncated JPEG with gray and says nothing; here it is an error.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is empty, truncated or no image; names it.
    """
    try:
        content = get(path)
    except FileNotFoundError as error:
        raise FileNotFoundError(f'image {path} does not exist: {REMEDY}.') from error
    if is_truncated(content):
        raise ValueError(f'image {path} is truncated ({len(content):,} bytes): {REMEDY}.')
    image = mmcv.imfrombytes(content, flag=color_type, backend=backend) if content else None
    if image is None:
        raise ValueError(f'image {path} cannot be decoded ({len(content):,} bytes): {REMEDY}.')
    return image


def is_truncated(content: bytes) -> bool:
    """Whether a JPEG or PNG stops early. A scan (FF DA) cannot contain the end marker (FF D9) that must follow it."""
    if content.startswith(b'\xff\xd8'):
        return content.rfind(b'\xff\xd9') < content.rfind(b'\xff\xda')
    return content.startswith(b'\x89PNG') and b'IEND' not in content[-16:]
