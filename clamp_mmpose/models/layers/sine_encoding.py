import math
from typing import Tuple

import torch
from torch import Tensor


def sine_encoding(points: Tensor, width: int, temperature: float = 10000.0) -> Tensor:
    """Sine and cosine encoding of positions (DETR, Carion et al. 2020).

    Args:
        points: ``[..., 2]``, (x, y) as fractions of the image.
        width: C, a multiple of 4.
        temperature: ratio of the longest to the shortest period.

    Returns:
        Tensor: ``[..., C]``, the first half for y, the second for x.
    """
    quarter = width // 4
    periods = temperature ** (torch.arange(quarter, device=points.device, dtype=torch.float32) / quarter)
    angles = 2 * math.pi * points.float()[..., None] / periods
    waves = torch.cat([angles.sin(), angles.cos()], dim=-1)
    return torch.cat([waves[..., 1, :], waves[..., 0, :]], dim=-1)


def cell_centers(size: Tuple[int, int], input_size: Tuple[int, int], device: torch.device) -> Tensor:
    """Centers of the cells of a feature map.

    Args:
        size: (h, w) of the map.
        input_size: (W, H) of the network input in pixels; pixel centers are whole numbers.

    Returns:
        Tensor: ``[h * w, 2]``, (x / W, y / H).
    """
    y, x = (
        (torch.arange(cells, device=device, dtype=torch.float32) + 0.5) / cells - 0.5 / pixels
        for cells, pixels in zip(size, input_size[::-1])
    )
    return torch.stack([x.repeat(len(y)), y.repeat_interleave(len(x))], dim=-1)
