"""Text on images: OpenCV's font for ASCII, DejaVu Sans for everything else."""

import os
from functools import lru_cache
from typing import Tuple

import cv2
import numpy as np

LONGEST = 60  # characters; longer texts are cut
PIXELS = 30  # height of DejaVu Sans that equals OpenCV's font at scale 1


def drawable(text: str) -> str:
    """The text in one line that any font can draw, cut after 60 characters; what is not encodable becomes '?'."""
    text = ' '.join(str(text).encode('utf-8', 'replace').decode('utf-8').split())
    text = ''.join(character if character.isprintable() else '?' for character in text)
    return text if len(text) <= LONGEST else f'{text[: LONGEST - 3]}...'


def text_size(text: str, scale: float, thickness: int = 1) -> Tuple[int, int]:
    """Width and height above the baseline in pixels, at a scale of OpenCV's font."""
    text = drawable(text)
    if text.isascii():
        return cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, thickness)[0]
    left, top, right, _ = _font(scale).getbbox(text, anchor='ls')
    return max(1, int(right - min(left, 0))), max(1, int(-top))


def put_text(
    image: np.ndarray,
    text: str,
    position: Tuple[int, int],
    scale: float,
    color: Tuple[int, int, int],
    thickness: int = 1,
) -> None:
    """Write on the image ``[H, W, 3]`` uint8; ``position`` (x, y) is the left end of the baseline, in pixels."""
    text = drawable(text)
    if text.isascii():
        cv2.putText(image, text, position, cv2.FONT_HERSHEY_SIMPLEX, scale, color, thickness, cv2.LINE_AA)
        return
    from PIL import Image, ImageDraw

    canvas = Image.fromarray(image)
    ImageDraw.Draw(canvas).text(position, text, fill=color, font=_font(scale), anchor='ls')
    image[...] = np.asarray(canvas)


@lru_cache(maxsize=16)
def _font(scale: float):
    import matplotlib
    from PIL import ImageFont

    path = os.path.join(matplotlib.get_data_path(), 'fonts', 'ttf', 'DejaVuSans.ttf')
    return ImageFont.truetype(path, max(6, round(PIXELS * scale)))
