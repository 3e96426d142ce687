"""The flips and crops that a pipeline has applied so far, from what MMPose's transforms store in ``results``."""

from typing import List, Optional, Tuple

import cv2
import numpy as np
from mmcv.image import imflip
from mmpose.structures.bbox import get_udp_warp_matrix, get_warp_matrix

# ('flip', direction), ('warp', matrix [2 or 3, 3], (w, h)) or ('resize', (x1, y1, x2, y2) in whole pixels, (w, h))
Step = Tuple


def image_shape(results: dict) -> Tuple[int, int]:
    """Current (H, W) of the image."""
    if 'img' in results:
        return tuple(results['img'].shape[:2])
    width_height = results.get('input_size')
    return tuple(results['img_shape'][:2]) if width_height is None else tuple(width_height[::-1])


def steps(results: dict) -> List[Step]:
    """The flip and crop applied so far, in order.

    Top-down pipelines flip first and bottom-up ones last; ``ResizeToInput`` stores which.
    """
    flip = [('flip', results['flip_direction'])] if results.get('flip') else []
    matrix = warp_matrix(results)
    size = results.get('input_size', image_shape(results)[::-1])  # BottomupRandomCrop does not store it
    if 'resized_box' in results:
        warp = [('resize', results['resized_box'], tuple(size))]
    else:
        warp = [] if matrix is None else [('warp', matrix, tuple(size))]
    return flip + warp if results.get('flipped_first', 'warp_mat' not in results) else warp + flip


def before_crop(results: dict) -> Tuple[dict, List[Step]]:
    """The sample as it was before ``ResizeToInput`` or ``TopdownAffine``, and the steps since then.

    Its keypoints are in pixels of the (flipped) original image. Other crops change the keypoints in place: then the
    sample as it is now, and no steps.
    """
    if 'before_resize' in results:
        original = results['before_resize']
    elif results.get('transformed_keypoints') is not None and results.get('input_center') is not None:
        original = {key: results[key] for key in ('keypoints', 'keypoints_visible', 'img_shape')}
    else:
        return results, []
    done = steps(results)
    crop = next(i for i, (kind, *_) in enumerate(done) if kind != 'flip')
    return original, done[crop:]


def warp_matrix(results: dict) -> Optional[np.ndarray]:
    """From the (flipped) original image to the network input; None before the crop."""
    if 'warp_mat' in results:  # bottom-up, ResizeToInput
        return results['warp_mat']
    if results.get('input_center') is None:
        return None
    rotation = results['bbox_rotation'][0] if 'bbox_rotation' in results else 0.0
    place = results['input_center'], results['input_scale'], rotation, results['input_size']
    matrices = [get_warp_matrix(*place), get_udp_warp_matrix(*place)]
    before, after = results.get('keypoints'), results.get('transformed_keypoints')
    if before is None or after is None or np.ndim(after) != 3:
        return matrices[0]
    # TopdownAffine does not store which of the two it used
    errors = [np.abs(cv2.transform(before[..., :2], matrix) - after[..., :2]).sum() for matrix in matrices]
    return matrices[int(np.argmin(errors))]


def apply_steps(heatmap: np.ndarray, todo: List[Step]) -> np.ndarray:
    """Apply steps to a map ``[H, W]``; outside the original map the result is 0."""
    for kind, *arguments in todo:
        if kind == 'flip':
            heatmap = np.ascontiguousarray(imflip(heatmap, arguments[0]))
        elif kind == 'resize':
            heatmap = resize_box(heatmap, *arguments)
        else:
            matrix, size = arguments
            size = tuple(int(side) for side in size)
            shrinking = (
                abs(np.linalg.det(matrix[:2, :2])) < 0.25
            )  # ratio of areas; sampling would skip pixels, so blur first
            if shrinking:
                factor = np.sqrt(abs(np.linalg.det(matrix[:2, :2])))
                heatmap = cv2.blur(heatmap, (2 * int(0.5 / factor) + 1,) * 2)
            warp = cv2.warpAffine if matrix.shape == (2, 3) else cv2.warpPerspective
            heatmap = warp(heatmap, matrix, size, flags=cv2.INTER_LINEAR)
    return heatmap


def resize_box(image: np.ndarray, box: Tuple[int, int, int, int], size: Tuple[int, int]) -> np.ndarray:
    """Resize a box (x1, y1, x2, y2) of whole pixels to ``size`` (w, h); shrinking averages pixels."""
    x1, y1, x2, y2 = box
    shrinking = size[0] * size[1] < (x2 - x1) * (y2 - y1)
    flag = cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
    return cv2.resize(image[y1:y2, x1:x2], size, interpolation=flag)


def unit_length(results: dict) -> float:
    """The longer side of the original image, in pixels of the current image."""
    longer = max(results.get('ori_shape', image_shape(results))[:2])
    matrix = warp_matrix(results)
    return longer if matrix is None else longer * np.sqrt(abs(np.linalg.det(matrix[:2, :2])))
