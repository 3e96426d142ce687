from typing import Tuple

import numpy as np
from mmcv.transforms import BaseTransform
from mmpose.registry import TRANSFORMS

from clamp_mmpose.datasets.focus.geometry import resize_box


@TRANSFORMS.register_module()
class ResizeToInput(BaseTransform):
    """Resize the whole image, or a box of it, to the network input; the aspect ratio changes, as in FocusCLIP's code.

    Keypoints and boxes are then in pixels of the network input. Put a flip before this transform, or after it only if
    the input is square: else MMPose's ``RandomFlip`` confuses its width and height.

    Args:
        input_size: (w, h) in pixels.
        crop_bbox: use the sample's first ``bbox``, if it has one, instead of the image.

    Raises:
        ValueError: the box lies outside the image or has no area.
    """

    def __init__(self, input_size: Tuple[int, int], crop_bbox: bool = False):
        self.input_size: Tuple[int, int] = (input_size[0], input_size[1])
        self.crop_bbox = crop_bbox

    def transform(self, results: dict) -> dict:
        """Resize one image."""
        image = results['img']
        boxed = self.crop_bbox and results.get('bbox') is not None
        x1, y1, x2, y2 = box = bbox_pixels(results) if boxed else (0, 0, image.shape[1], image.shape[0])
        width, height = self.input_size
        scale = np.array([width / (x2 - x1), height / (y2 - y1)])
        results['img'] = resize_box(image, box, (width, height))
        before = {key: results.get(key) for key in ('keypoints', 'keypoints_visible')}
        offset = (0.5 - np.array([x1, y1])) * scale - 0.5  # pixel centers
        if results.get('keypoints') is not None:
            results['keypoints'] = (results['keypoints'][..., :2] * scale + offset).astype(np.float32)
        if results.get('bbox') is not None:
            corners = np.reshape(results['bbox'], (-1, 2, 2))
            results['bbox'] = (corners * scale + offset).reshape(-1, 4).astype(np.float32)
        results.update(
            warp_mat=np.hstack([np.diag(scale), offset[:, None]]),
            input_size=self.input_size,
            resized_box=box,
            before_resize=dict(before, img_shape=image.shape[:2]),
            flipped_first=bool(results.get('flip')),
        )
        return results


def bbox_pixels(results: dict) -> Tuple[int, int, int, int]:
    """The first ``bbox`` in whole pixels, clipped to its image: (x1, y1, x2, y2).

    Raises:
        ValueError: nothing is left, or a coordinate is not finite.
    """
    height, width = results['img'].shape[:2]
    box = np.asarray(results['bbox'], np.float64).reshape(-1, 4)[0]
    if not np.isfinite(box).all():
        raise ValueError(f'the box {box.tolist()} of {results.get("img_path", "the image")} is not finite: correct it.')
    low, high = np.floor(box[:2]), np.ceil(box[2:])
    x1, y1 = np.maximum(low, 0).astype(int)
    x2, y2 = np.minimum(high, (width, height)).astype(int)
    if x2 <= x1 or y2 <= y1:
        raise ValueError(
            f'the box {box.tolist()} of {results.get("img_path", "the image")} has no area inside its '
            f'{width}x{height} pixels: correct the annotation or leave it out.'
        )
    return int(x1), int(y1), int(x2), int(y2)
