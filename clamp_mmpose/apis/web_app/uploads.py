"""Files that the page may read: whole images in Gradio's upload folder, within limits of bytes and pixels."""

import io
import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
from gradio.utils import get_upload_folder
from PIL import Image

from clamp_mmpose.datasets.files.images import decode_image

MAX_BYTES = 32 * 2**20  # of one upload
MAX_PIXELS = 64_000_000  # of one image; the cameras of most phones have up to 50 million
MAX_FOLDER_BYTES = 4 * 2**30  # of all uploads and results, which are deleted after an hour
FORMATS = ('PNG', 'JPEG', 'WEBP', 'BMP', 'TIFF')
NOT_AN_UPLOAD = 'this is not a file that was uploaded to this page: drop the image on the page.'
NOT_AN_IMAGE = 'this file is not a complete image: choose another one, such as a PNG, JPEG or WebP.'
TOO_LARGE = f'the image has more than the {MAX_PIXELS:,} pixels that are read: reduce it.'


def upload_path(path: Any) -> str:
    """The real path of an upload or of a result of the page.

    Raises:
        ValueError: anything that is not a regular file in the upload folder, without links on its way. The message
            does not tell whether the file exists.
    """
    if not isinstance(path, str) or '\0' in path or len(path) > 4096:
        raise ValueError(NOT_AN_UPLOAD)
    folder = get_upload_folder()
    real_folder = os.path.realpath(folder)
    try:
        # os.path.abspath drops '..' without following links, so that a link on the way gives another real path
        inside = Path(os.path.abspath(path)).relative_to(os.path.abspath(folder))
        real = os.path.realpath(path)
        mode = os.lstat(real).st_mode
    except (ValueError, OSError):
        raise ValueError(NOT_AN_UPLOAD) from None
    if real != os.path.join(real_folder, inside) or not stat.S_ISREG(mode):
        raise ValueError(NOT_AN_UPLOAD)
    return real


def read_upload(path: str) -> np.ndarray:
    """Decode an upload: ``[H, W, 3]`` uint8 RGB, rotated as its EXIF tag says.

    Raises:
        ValueError: not an upload (or no longer there), too many bytes or pixels, or not a complete image.
    """
    content = _read(upload_path(path))
    _check_header(content)
    try:
        return decode_image(content, 'upload')[..., ::-1]
    except ValueError:
        raise ValueError(NOT_AN_IMAGE) from None


def check_space() -> None:
    """Raise ValueError if uploads and results of the last hour fill their share of the disk."""
    used = 0
    for folder, _, files in os.walk(get_upload_folder()):
        for file in files:
            try:
                used += os.lstat(os.path.join(folder, file)).st_size
            except OSError:  # deleted meanwhile
                continue
    if used > MAX_FOLDER_BYTES:
        raise ValueError(f'the uploads of the last hour fill {MAX_FOLDER_BYTES / 2**30:g} GB: try again in an hour.')


def _read(real: str) -> bytes:
    """The content of a regular file; opening never waits, as it would for a named pipe, and follows no link."""
    flags = os.O_RDONLY | getattr(os, 'O_NOFOLLOW', 0) | getattr(os, 'O_NONBLOCK', 0) | getattr(os, 'O_BINARY', 0)
    try:
        with open(os.open(real, flags), 'rb') as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ValueError(NOT_AN_UPLOAD)
            if status.st_size > MAX_BYTES:
                raise ValueError(f'the file has {status.st_size:,} bytes: up to {MAX_BYTES:,} are read.')
            return file.read(MAX_BYTES)
    except OSError:
        raise ValueError(NOT_AN_UPLOAD) from None


def _check_header(content: bytes) -> None:
    """Check format and size before decoding, which takes memory for every pixel."""
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            width, height = image.size
    except Image.DecompressionBombError:  # from 178 million pixels
        raise ValueError(TOO_LARGE) from None
    except Exception:  # each format raises errors of its own
        raise ValueError(NOT_AN_IMAGE) from None
    if width * height > MAX_PIXELS:
        raise ValueError(TOO_LARGE)
