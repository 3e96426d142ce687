from pathlib import Path

import cv2
import numpy as np

from clamp_mmpose.utils.files import atomic_write


def is_finished(mark: Path, settings: str) -> bool:
    """Whether a folder was drawn to the end with these settings, which it holds in the file ``mark``, written last.

    The mark of other settings is removed, so that a drawing that is interrupted does not pass for finished.
    """
    if not mark.is_file():
        return False
    if mark.read_text(encoding='utf-8') == settings:
        return True
    mark.unlink()
    return False


def write_jpeg(path: Path, picture: np.ndarray):
    """Writes a picture ``[h, w, 3]``, RGB uint8.

    Raises:
        RuntimeError: this OpenCV cannot write JPEG.
    """
    encoded, content = cv2.imencode('.jpg', picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
    if not encoded:
        raise RuntimeError('OpenCV could not encode a picture as JPEG; install a build of OpenCV with JPEG.')
    atomic_write(path, content.tobytes())
