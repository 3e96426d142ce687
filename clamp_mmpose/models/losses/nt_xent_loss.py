import math

import torch
import torch.nn.functional as F
from mmengine.dist import get_world_size
from mmpose.registry import MODELS
from torch import Tensor, nn

from clamp_mmpose.utils.distributed import gather

MIN_TEMPERATURE = 0.01  # as CLIP (Radford et al. 2021, section 2.5)


@MODELS.register_module()
class NTXentLoss(nn.Module):
    """Normalized temperature-scaled cross entropy of pairs (Chen et al. 2020; FocusCLIP, eq. 5).

    Each of the 2N embeddings of a batch is an anchor, to be matched with its partner among the others. The loss is the
    mean over the anchors of all processes. Memory grows with N^2.

    Args:
        temperature: tau, in (0, inf).
        learn_temperature: train it, starting from ``temperature``.
        same_modality_negatives: whether embeddings of the anchor's own modality are negatives too, as in eq. 5; False
            gives CLIP's loss.
        loss_weight: weight of the loss.

    Raises:
        ValueError: a temperature that is not positive.
    """

    def __init__(
        self,
        temperature: float = 0.5,
        learn_temperature: bool = False,
        same_modality_negatives: bool = True,
        loss_weight: float = 1.0,
    ):
        super().__init__()
        if not temperature > 0:
            raise ValueError(f'temperature must be positive, got {temperature}.')
        logarithm = torch.tensor(math.log(temperature))
        if learn_temperature:
            self.log_temperature = nn.Parameter(logarithm)
        else:
            self.register_buffer('log_temperature', logarithm, persistent=False)
        self.same_modality_negatives = same_modality_negatives
        self.loss_weight = loss_weight

    @property
    def temperature(self) -> Tensor:
        return self.log_temperature.exp().clamp(min=MIN_TEMPERATURE)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """The loss of N pairs.

        Args:
            first: ``[N, D]``; normalized here.
            second: ``[N, D]``, its i-th row belongs to the i-th of ``first``.

        Returns:
            Tensor: scalar.

        Raises:
            ValueError: other shapes.
        """
        if first.shape != second.shape or first.ndim != 2:
            raise ValueError(f'NT-Xent takes two [N, D], got {tuple(first.shape)} and {tuple(second.shape)}.')
        with torch.autocast(first.device.type, enabled=False):  # exponentials of 1 / tau overflow in half precision
            first, second = F.normalize(first.float(), dim=1), F.normalize(second.float(), dim=1)
            both, start = gather(torch.cat([first, second], dim=1))
            every_first, every_second = both.chunk(2, dim=1)
            own = start + torch.arange(len(first), device=first.device)
            total = self._cross_entropy(first, every_second, every_first, own) + self._cross_entropy(
                second, every_first, every_second, own
            )
            # each process sums over its own anchors, and MMEngine averages the gradients over processes
            return self.loss_weight * total * get_world_size() / (2 * len(every_first))

    def _cross_entropy(self, anchors: Tensor, partners: Tensor, same: Tensor, own: Tensor) -> Tensor:
        """Sum over the anchors; ``own`` is the index of each in the batch of all processes."""
        logits = anchors @ partners.t() / self.temperature
        if self.same_modality_negatives:
            others = anchors @ same.t() / self.temperature
            others = others.scatter(1, own[:, None], float('-inf'))  # an anchor is not its own negative
            logits = torch.cat([logits, others], dim=1)
        return F.cross_entropy(logits, own, reduction='sum')
