from typing import Tuple

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor, nn

from .answer import Answers


@MODELS.register_module()
class PointerAnswer(BaseModule):
    """Points at an image token: the state of the answer attends to those of the image (as MolmoPoint, 2603.28069).

    Beyond CapeLLM. The heatmap of a keypoint is a distribution over the image tokens. The mean of the 3 x 3 tokens
    that are most likely together is the point, and their probability the score.

    Args:
        width: D of the language model.
        dims: of the query and the keys.
        sigma: of the target Gaussian, in tokens.
    """

    loss_name = 'loss_pointer'
    has_heatmaps = True

    def __init__(self, width: int, dims: int = 128, sigma: float = 0.6):
        super().__init__()
        self.sigma = sigma
        self.query_norm, self.key_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key = nn.Linear(width, dims), nn.Linear(width, dims)

    def logits(self, states: Tensor, image: Tensor) -> Tensor:
        """States of N answers ``[N, D]`` and of their images' tokens ``[N, T, D]`` -> ``[N, T]``."""
        states, image = (part.to(self.query.weight.dtype) for part in (states, image))  # of a model in bf16
        query, keys = self.query(self.query_norm(states)), self.key(self.key_norm(image))
        return (keys @ query[..., None]).squeeze(-1).float() / query.shape[-1] ** 0.5

    def forward(self, states: Tensor, image: Tensor, size: Tuple[int, int]) -> Answers:
        """States of N answers ``[N, D]``, of the image tokens ``[N, h * w, D]``, and (h, w) -> their points."""
        h, w = size
        heatmaps = self.logits(states, image).softmax(dim=-1).unflatten(-1, size)
        together = F.avg_pool2d(heatmaps[:, None], 3, stride=1, padding=1)  # a ninth of the sum: padding counts
        best = together.flatten(1).argmax(dim=-1)
        rows, columns = (torch.arange(n, device=states.device) for n in size)
        near_rows = (rows - torch.div(best, w, rounding_mode='floor')[:, None]).abs() <= 1
        near_columns = (columns - (best % w)[:, None]).abs() <= 1
        window = heatmaps * near_rows[:, :, None] * near_columns[:, None]
        mass = window.sum(dim=(1, 2))
        x = (window.sum(dim=1) * (columns + 0.5)).sum(dim=-1) / (mass * w)
        y = (window.sum(dim=2) * (rows + 0.5)).sum(dim=-1) / (mass * h)
        return Answers(torch.stack([x, y], dim=-1), mass.clamp(max=1), heatmaps)  # rounding may exceed it

    def loss(self, states: Tensor, image: Tensor, size: Tuple[int, int], points: Tensor) -> Tensor:
        """Cross entropy to a Gaussian around each of ``points`` ``[N, 2]``, per answer: ``[N]``."""
        h, w = size
        x, y = (points * points.new_tensor([w, h]) - 0.5).unbind(dim=-1)  # in tokens
        rows, columns = (torch.arange(n, device=states.device) for n in size)
        squared = (rows - y[:, None]).square()[:, :, None] + (columns - x[:, None]).square()[:, None]
        target = (-squared.flatten(1) / (2 * self.sigma**2)).softmax(dim=-1)
        return -(target * F.log_softmax(self.logits(states, image), dim=-1)).sum(dim=-1)
