"""Images in messages, as OpenAI's protocol takes them: data URLs in parts of the content."""

import base64
import io
from pathlib import Path, PureWindowsPath
from typing import Any, Dict

import cv2
import numpy as np

SENT_AS_THEY_ARE = ('JPEG', 'PNG', 'WEBP', 'GIF')
FORMATS = (*SENT_AS_THEY_ARE, 'BMP', 'PPM', 'TIFF')  # without those for which Pillow starts Ghostscript
QUALITY = 90  # of a JPEG


def is_below(name: str) -> bool:
    """Whether a name is of a file below the folder that it is looked up in, on any system.

    Images go to servers: a stranger's file must not name others of this machine.
    """
    return not (Path(name).is_absolute() or PureWindowsPath(name).anchor or '..' in PureWindowsPath(name).parts)


def file_part(path: Path) -> Dict[str, Any]:
    """A file as it is, or as JPEG if servers do not read its format.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: it is not an image.
    """
    return _part(data_url(path))


def drawn_part(image: np.ndarray) -> Dict[str, Any]:
    """A drawing of few colors, ``[H, W, 3]`` uint8 BGR, as PNG."""
    return _part(_url('png', cv2.imencode('.png', image)[1].tobytes()))


def photo_part(image: np.ndarray) -> Dict[str, Any]:
    """A photo, ``[H, W, 3]`` uint8 BGR, as JPEG."""
    return _part(_url('jpeg', cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()))


def text_part(text: str) -> Dict[str, Any]:
    return dict(type='text', text=text)


def data_url(path: Path) -> str:
    """See :func:`file_part`."""
    from PIL import Image

    content = path.read_bytes()
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            kind = image.format or ''
            if kind not in SENT_AS_THEY_ARE:
                buffer = io.BytesIO()
                image.convert('RGB').save(buffer, 'JPEG', quality=95)
                kind, content = 'JPEG', buffer.getvalue()
    except (OSError, Image.DecompressionBombError) as error:
        raise OSError(f'image {path} cannot be read ({error}): convert or remove it.') from error
    return _url(kind.lower(), content)


def _part(url: str) -> Dict[str, Any]:
    return dict(type='image_url', image_url=dict(url=url))


def _url(kind: str, content: bytes) -> str:
    return f'data:image/{kind};base64,{base64.b64encode(content).decode()}'
