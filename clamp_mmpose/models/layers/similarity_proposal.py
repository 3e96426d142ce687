from typing import Tuple

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor, nn

from clamp_mmpose.models.utils.initialize import xavier_uniform_weights

Proposal = Tuple[Tensor, Tensor, Tensor]


@MODELS.register_module()
class SimilarityProposal(BaseModule):
    """First position of each text, from its similarity with every cell (CAPE, Shi et al. 2023, section 3.3).

    Shapes: B images, N = h * w cells, K queries, C channels.
    """

    def __init__(self, width: int):
        super().__init__()
        self.image = nn.Linear(width, width)
        self.query = nn.Linear(width, width)
        self.gate = nn.Sequential(nn.Linear(width, width // 2), nn.ReLU(), nn.Linear(width // 2, width), nn.Tanh())
        xavier_uniform_weights(self)

    def forward(self, image: Tensor, queries: Tensor, size: Tuple[int, int], centers: Tensor) -> Proposal:
        """Image ``[B, N, C]``, queries ``[B, K, C]``, size (h, w), centers ``[N, 2]`` (x, y) as fractions of the image.

        Returns:
            tuple: similarity ``[B, K, h, w]``, logits; the mean position ``[B, K, 2]`` under its softmax; and
            the same over the 3 x 3 cells around its maximum, where the decoder starts.
        """
        queries = self.query(queries)
        similarity = (queries * (1 + self.gate(queries))) @ self.image(image).transpose(1, 2)
        similarity = similarity.float() * image.shape[2] ** -0.5
        probability = similarity.softmax(dim=-1)
        near = _around_maximum(similarity.detach().unflatten(2, size)).flatten(2)
        local = similarity.masked_fill(~near, float('-inf')).softmax(dim=-1)
        with torch.autocast(image.device.type, enabled=False):  # bfloat16 cannot resolve single pixels above 256
            return similarity.unflatten(2, size), probability @ centers, local @ centers


def _around_maximum(maps: Tensor) -> Tensor:
    """Mask of the 3 x 3 cells around each map's maximum: bool ``[B, K, h, w]``."""
    flat = maps.flatten(2)
    peaks = torch.zeros_like(flat).scatter(2, flat.argmax(dim=-1, keepdim=True), 1.0)
    return F.max_pool2d(peaks.view_as(maps), 3, stride=1, padding=1) > 0
