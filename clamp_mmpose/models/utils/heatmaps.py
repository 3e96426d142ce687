import torch
from torch import Tensor


def peaks(heatmaps: Tensor) -> Tensor:
    """(x, y) of each map's maximum in heatmap pixels: ``[B, K, H, W]`` -> ``[B, K, 2]``."""
    flat = heatmaps.flatten(2).argmax(dim=-1)
    width = heatmaps.shape[3]
    return torch.stack([flat % width, torch.div(flat, width, rounding_mode='floor')], dim=-1).float()


def peak_accuracy(predicted: Tensor, heatmaps: Tensor, weights: Tensor, threshold: float = 0.05) -> Tensor:
    """Share of labeled keypoints whose peaks differ by less than 5 % of the map's size.

    It stays on the device; MMPose's ``pose_pck_accuracy`` waits for the GPU.

    Args:
        predicted, heatmaps: ``[B, K, H, W]``.
        weights: ``[B, K]``, 0 where a keypoint is not labeled.
        threshold: as a share of the map's size.
    """
    offset = (peaks(predicted) - peaks(heatmaps)) / weights.new_tensor(heatmaps.shape[:1:-1])
    labeled = weights > 0
    hits = (offset.norm(dim=-1) < threshold) & labeled
    return hits.sum() / labeled.sum().clamp(min=1)
