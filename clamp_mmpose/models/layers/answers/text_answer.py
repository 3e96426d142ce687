from typing import List

import torch
from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor

from clamp_mmpose.utils.choices import check_choice

from .answer import COORDINATES, Answers, nearby_mass, nearby_mean


@MODELS.register_module()
class TextAnswer(BaseModule):
    """Reads a keypoint from the digits that the language model writes (CapeLLM, section 3.2).

    Args:
        width: D of the language model.
        coordinates: ``'expectation'`` among the values near the written one, or ``'greedy'``: the written one.
    """

    loss_name = 'loss_text'

    def __init__(self, width: int, coordinates: str = 'expectation'):
        super().__init__()
        check_choice('coordinates', coordinates, COORDINATES)
        self.coordinates = coordinates

    def forward(self, digits: List[Tensor]) -> Answers:
        """The probabilities of the digits of x, then of y, each given those before it -> the points.

        Args:
            digits: 1 tensor ``[..., 1000]`` or 3 tensors ``[..., 10]`` for each coordinate.
        """
        steps = len(digits) // 2
        both = torch.stack([thousandths(digits[:steps]), thousandths(digits[steps:])], dim=-2)
        written = torch.stack([greedy(digits[:steps]), greedy(digits[steps:])], dim=-1) / 1000
        values = torch.arange(1000, device=both.device) / 1000
        mass = nearby_mass(both, values, written).prod(dim=-1)
        points = nearby_mean(both, values, written) if self.coordinates == 'expectation' else written
        return Answers(points, mass)


def greedy(digits: List[Tensor]) -> Tensor:
    """The most likely digits as one number, 0 to 999."""
    number = digits[0].argmax(dim=-1)
    for digit in digits[1:]:
        number = 10 * number + digit.argmax(dim=-1)
    return number


def thousandths(digits: List[Tensor]) -> Tensor:
    """Probability of each of 0.000 to 0.999, ``[..., 1000]``.

    The digits behind one that was not written are not known: all of them are taken as equally likely.
    """
    probabilities, written = digits[0], digits[0].argmax(dim=-1, keepdim=True)
    for digit in digits[1:]:
        known = probabilities.gather(-1, written)
        columns = 10 * written + torch.arange(10, device=digit.device)
        probabilities = (probabilities / 10).repeat_interleave(10, dim=-1).scatter(-1, columns, known * digit)
        written = 10 * written + digit.argmax(dim=-1, keepdim=True)
    return probabilities
