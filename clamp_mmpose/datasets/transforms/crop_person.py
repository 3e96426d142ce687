from typing import Optional

from mmcv.transforms import BaseTransform
from mmpose.registry import TRANSFORMS
from PIL import Image

from clamp_mmpose.datasets.files.images import read_image

LARGEST = 20_000  # pixels of a side


@TRANSFORMS.register_module()
class CropPerson(BaseTransform):
    """Cuts a square with the whole box of a person out of an image, for :class:`TokenizeConversation`.

    What is outside the image is black, so that a person at the border or in a wide image is not cut by a vision tower
    that crops. Without this transform the whole image is read, as the reasoning about several people needs it.

    Required keys: ``record_id``, ``img_path`` (a path, or None: nothing is done), ``bbox`` (left, top, right, bottom in
    pixels of the image; None or absent: the whole image). Added key: ``images``, a list of one.

    Args:
        margin: side of the square, in lengths of the box's longer side.
        size: pixels of the side that it is scaled to, as HMR2.0's 256; None: as it is.

    Raises:
        ValueError: the box is outside the image, or the square too large; the record is named.
    """

    def __init__(self, margin: float = 1.0, size: Optional[int] = None):
        if not margin > 0 or (size is not None and size < 1):
            raise ValueError(f'CropPerson: margin and size must be above 0, got {margin} and {size}.')
        self.margin, self.size = margin, size

    def transform(self, results: dict) -> dict:
        if results['img_path'] is None:
            return results
        image = Image.fromarray(read_image(results['img_path'])[..., ::-1])
        left, top, right, bottom = results.get('bbox') or (0, 0, *image.size)
        side = max(right - left, bottom - top) * self.margin
        if right <= 0 or bottom <= 0 or left >= image.width or top >= image.height or side > LARGEST:
            raise ValueError(
                f'record {results["record_id"]!r}: the box {[left, top, right, bottom]} is not one of a person in an '
                f'image of {image.width} x {image.height} pixels.'
            )
        x, y, side = round((left + right - side) / 2), round((top + bottom - side) / 2), max(round(side), 1)
        crop = image.crop((x, y, x + side, y + side))
        if self.size is not None:
            crop = crop.resize((self.size, self.size), Image.Resampling.BICUBIC)
        results['images'] = [crop]
        return results
