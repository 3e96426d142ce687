from typing import Tuple

import torch
import torch.nn.functional as F
from torch import Tensor


def sample_features(
    dense: Tensor, keypoints: Tensor, input_size: Tuple[int, int], sampling: str = 'bilinear'
) -> Tuple[Tensor, Tensor]:
    """The features at keypoints (CLAMP, eq. 6).

    Args:
        dense: ``[B, D, h, w]``.
        keypoints: ``[B, K, 2]``, (x, y) in pixels of the network input.
        input_size: (w, h) of the network input in pixels.
        sampling: ``'bilinear'`` interpolates at the keypoint; ``'nearest'`` takes the cell
            trunc(coordinate / stride + 0.5), as the authors' code.

    Returns:
        tuple: the features ``[B, K, D]``, and whether each keypoint is on the grid ``[B, K]``.
    """
    size = keypoints.new_tensor(input_size)
    if sampling == 'bilinear':
        # pixel centers are whole numbers: the image spans -0.5 ... size - 0.5
        normalized = (2 * keypoints + 1) / size - 1
        inside = (normalized.abs() <= 1).all(dim=-1)
        features = F.grid_sample(dense, normalized[:, :, None], padding_mode='border', align_corners=False)
        return features.squeeze(-1).transpose(1, 2), inside
    grid_size = dense.shape[:1:-1]  # (w, h)
    cells = torch.trunc(keypoints * keypoints.new_tensor(grid_size) / size + 0.5).long()
    inside = ((cells >= 0) & (cells < cells.new_tensor(grid_size))).all(dim=-1)
    flat = (cells[..., 1] * grid_size[0] + cells[..., 0]) * inside
    return dense.flatten(2).transpose(1, 2).gather(1, flat[..., None].expand(-1, -1, dense.shape[1])), inside
