from typing import Tuple

import torch
from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor, nn

from clamp_mmpose.utils.choices import check_choice

from .answer import COORDINATES, Answers, nearby_mass, nearby_mean


@MODELS.register_module()
class BinsAnswer(BaseModule):
    """Reads a keypoint from the state of one token as a classification of x and of y (SimCC, Li et al., ECCV 2022).

    Beyond CapeLLM: with soft labels, neighboring bins are learned as near, which digits are not.

    Args:
        width: D of the language model.
        num_bins: of each axis.
        sigma: of the soft labels, in bins.
        coordinates: ``'expectation'`` among the bins near the best one, or ``'greedy'``: its center.
    """

    loss_name = 'loss_bins'

    def __init__(self, width: int, num_bins: int = 64, sigma: float = 1.0, coordinates: str = 'expectation'):
        super().__init__()
        check_choice('coordinates', coordinates, COORDINATES)
        self.num_bins, self.sigma, self.coordinates = num_bins, sigma, coordinates
        self.classify = nn.Linear(width, 2 * num_bins)

    def _values(self, like: Tensor) -> Tensor:
        return (torch.arange(self.num_bins, device=like.device, dtype=torch.float32) + 0.5) / self.num_bins

    def logits(self, states: Tensor) -> Tensor:
        """``[N, D]`` -> ``[N, 2, num_bins]``, x and y."""
        return self.classify(states.to(self.classify.weight.dtype)).float().unflatten(-1, (2, self.num_bins))

    def forward(self, states: Tensor, image: Tensor, size: Tuple[int, int]) -> Answers:
        """States of N answers ``[N, D]`` -> their points; ``image`` and ``size`` are not used."""
        probabilities, values = self.logits(states).softmax(dim=-1), self._values(states)
        best = values[probabilities.argmax(dim=-1)]
        mass = nearby_mass(probabilities, values, best).prod(dim=-1)
        points = nearby_mean(probabilities, values, best) if self.coordinates == 'expectation' else best
        return Answers(points, mass)

    def loss(self, states: Tensor, image: Tensor, size: Tuple[int, int], points: Tensor) -> Tensor:
        """Cross entropy to a Gaussian around each of ``points`` ``[N, 2]``, in nats, per answer: ``[N]``."""
        distance = (self._values(states) - points[..., None]) * self.num_bins / self.sigma
        target = (-distance.square() / 2).softmax(dim=-1)
        return -(target * self.logits(states).log_softmax(dim=-1)).sum(dim=-1).sum(dim=-1)
