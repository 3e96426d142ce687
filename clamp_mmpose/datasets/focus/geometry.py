"""The flips and crops that a pipeline has applied so far, from what MMPose's transforms store in ``results``."""

from typing import List, Optional, Tuple

import cv2
import numpy as np
from mmcv.image import imflip
from mmpose.structures.bbox import get_udp_warp_matrix, get_warp_matrix

Step = Tuple  # ('flip', direction) or ('warp', matrix [2 or 3, 3], (w, h))


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
    warp = [] if matrix is None else [('warp', matrix, tuple(size))]
    return flip + warp if results.get('flipped_first', 'warp_mat' not in results) else warp + flip


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


def unit_length(results: dict) -> float:
    """The longer side of the original image, in pixels of the current image."""
    longer = max(results.get('ori_shape', image_shape(results))[:2])
    matrix = warp_matrix(results)
    return longer if matrix is None else longer * np.sqrt(abs(np.linalg.det(matrix[:2, :2])))
