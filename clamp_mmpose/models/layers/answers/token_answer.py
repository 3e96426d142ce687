from typing import Tuple

import torch.nn.functional as F
from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor, nn

from .answer import RADIUS, Answers


@MODELS.register_module()
class TokenAnswer(BaseModule):
    """Reads a keypoint from the state of the ``<KEYPOINT>`` token by a small decoder (CapeLLM, appendix B.2, Table 8).

    The paper does not describe its decoder. This one has two layers and predicts, for x and y, a Laplace distribution,
    whose scale gives a confidence.

    Args:
        width: D of the language model.
    """

    loss_name = 'loss_token'

    def __init__(self, width: int):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, 4))

    def _distribution(self, states: Tensor) -> Tuple[Tensor, Tensor]:
        center, scale = self.layers(states.to(self.layers[0].weight.dtype)).float().chunk(2, dim=-1)
        return center.sigmoid(), F.softplus(scale) / 10 + 1e-3  # begins at 7 % of the input

    def forward(self, states: Tensor, image: Tensor, size: Tuple[int, int]) -> Answers:
        """States of N answers ``[N, D]`` -> their points; ``image`` and ``size`` are not used."""
        points, scale = self._distribution(states)
        return Answers(points, (1 - (-RADIUS / scale).exp()).prod(dim=-1))

    def loss(self, states: Tensor, image: Tensor, size: Tuple[int, int], points: Tensor) -> Tensor:
        """Negative log likelihood of ``points`` ``[N, 2]``, per answer: ``[N]``."""
        center, scale = self._distribution(states)
        return ((points - center).abs() / scale + (2 * scale).log()).sum(dim=-1)
