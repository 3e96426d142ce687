"""Images as arrays: the models of this package take uint8 ``[H, W, 3]``, in BGR order."""

from typing import Any, Set

import numpy as np
import torch
from mmengine.logging import MMLogger
from PIL import Image, ImageOps

DEPTHS = (8, 10, 12, 14, 16)  # bits of cameras, which store more than 8 in 16
ALPHA_FIRST = {'PA': 'RGBA', 'La': 'LA', 'RGBa': 'RGBA'}  # Pillow converts these to RGB in two steps only
REMEDY = 'convert its values to 0..255 and its type to uint8, with the colors in the last axis, in BGR order'

_logged: Set[int] = set()


def to_bgr(image: Any, what: str = 'the image') -> np.ndarray:
    """Convert an image to uint8 ``[H, W, 3]``, BGR. Alpha channels of PIL images are dropped, as in files.

    Args:
        image: uint8 ``[H, W, 3]`` BGR, gray ``[H, W]`` or ``[H, W, 1]``; or a PIL image, which is rotated as its EXIF
            tag says. Modes of more than 8 bits: see :func:`to_uint8`.
        what: name of the image in errors.

    Raises:
        ValueError: anything else; the message names type, dtype, shape and range.
    """
    if isinstance(image, Image.Image):
        return _from_pil(image, what)
    fits = isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.size > 0
    if not fits or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] in (1, 3))):
        raise ValueError(
            f'{what} is {_describe(image)}; expected uint8 [H, W, 3] in BGR order, gray [H, W], or a PIL image: '
            f'{_remedy(image)}.'
        )
    return _three_channels(image)


def to_uint8(values: np.ndarray, what: str) -> np.ndarray:
    """Convert the values of an image file to 8 bits.

    Floats must be in 0..1 and are multiplied by 255. Integers of more than 8 bits are taken for the smallest of 8, 10,
    12, 14 and 16 bits that holds their maximum, whose largest value becomes 255: a file with 12 bits in 16 does not
    say so. Which one it was is logged once.

    Raises:
        ValueError: values out of these ranges, or not finite.
    """
    if values.dtype == np.uint8:
        return values
    if values.dtype.kind == 'b':
        return values.astype(np.uint8) * 255
    low, high = (values.min(), values.max()) if values.size else (0, 0)
    limit = 1 if values.dtype.kind == 'f' else 2 ** DEPTHS[-1] - 1
    if values.dtype.kind not in 'iuf' or not (low >= 0 and high <= limit):  # not `<`: NaN must fail too
        raise ValueError(
            f'{what} has {values.dtype} values from {low:g} to {high:g}; expected 0 to {limit}: save it with 8 or 16 '
            'bits.'
        )
    if values.dtype.kind == 'f':
        return np.rint(values * 255).astype(np.uint8)
    bits = next(bits for bits in DEPTHS if high < 2**bits)
    if bits not in _logged:
        _logged.add(bits)
        MMLogger.get_current_instance().info(
            f'{what} has {values.dtype} values up to {high}: they are read as {bits} bits, 0 to {2**bits - 1}, here '
            'and in other images with such a maximum.'
        )
    return np.rint(np.arange(2**bits) * (255 / (2**bits - 1))).astype(np.uint8)[values]


def _from_pil(image: Image.Image, what: str) -> np.ndarray:
    if 0 in image.size:
        raise ValueError(f'{what} is a PIL image of mode {image.mode} with the size {image.size}; it has no pixels.')
    try:
        image = ImageOps.exif_transpose(image)
        if image.mode == 'F' or image.mode.startswith('I'):
            return _three_channels(to_uint8(np.asarray(image), what))
        if image.mode in ALPHA_FIRST:
            image = image.convert(ALPHA_FIRST[image.mode])
        return np.ascontiguousarray(np.asarray(image.convert('RGB'))[..., ::-1])
    except (OSError, ValueError) as error:
        raise ValueError(f'{what}, a PIL image of mode {image.mode}, cannot be converted to RGB: {error}') from error


def _three_channels(image: np.ndarray) -> np.ndarray:
    image = np.asarray(image)  # of subclasses such as memmap
    if image.ndim == 2:
        image = image[..., None]
    return np.ascontiguousarray(image if image.shape[2] == 3 else np.repeat(image, 3, axis=2))


def _describe(image: Any) -> str:
    if not isinstance(image, (np.ndarray, torch.Tensor)):
        return f'of type {type(image).__name__}'
    text = f'{type(image).__name__} of {image.dtype} with the shape {list(image.shape)}'
    values = image.detach().cpu().double().numpy() if isinstance(image, torch.Tensor) else image
    if not values.size or values.dtype.kind not in 'biuf':
        return text
    numbers = values[np.isfinite(values)]
    found = f', values from {numbers.min():g} to {numbers.max():g}' if numbers.size else ''
    return text + found + (', and NaN or infinity' if numbers.size < values.size else '')


def _remedy(image: Any) -> str:
    if not isinstance(image, (np.ndarray, torch.Tensor)):
        return 'give one of these'
    if image.ndim == 4:
        return 'give a list of images'
    if image.ndim == 3 and image.shape[2] == 4:
        return 'drop the alpha channel, image[..., :3]'
    return REMEDY
