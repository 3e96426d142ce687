from typing import Callable, NamedTuple, Optional, Sequence

import torch
from torch import Tensor

COORDINATES = ('expectation', 'greedy')
RADIUS = 0.05  # of the input's width and height; as the 5 % of acc_pose in MMPose's heads


class Answers(NamedTuple):
    """N answers: points ``[N, 2]``, fractions of the network input; scores ``[N]``, 0 to 1; heatmaps ``[N, h, w]``."""

    points: Tensor
    scores: Tensor
    heatmaps: Optional[Tensor] = None

    def each(self, change: Callable[[Tensor], Tensor]) -> 'Answers':
        """The answers with every tensor changed alike."""
        heatmaps = None if self.heatmaps is None else change(self.heatmaps)
        return Answers(change(self.points), change(self.scores), heatmaps)


def merge_mirrored(answers: Answers, mirrored: Answers, partners: Sequence[int], weights: Tensor) -> Answers:
    """Answers ``[K, ...]`` about an image, averaged with those about its mirror image.

    Args:
        partners: for each keypoint, the one whose answer about the mirror image is its own.
        weights: of the mirror image, ``[K]``.
    """
    partners = list(partners)
    x, y = mirrored.points[partners].unbind(dim=-1)
    points = torch.lerp(answers.points, torch.stack([1 - x, y], dim=-1), weights[:, None])
    scores = torch.lerp(answers.scores, mirrored.scores[partners], weights)
    if answers.heatmaps is None or mirrored.heatmaps is None:
        return Answers(points, scores)
    heatmaps = torch.lerp(answers.heatmaps, mirrored.heatmaps[partners].flip(-1), weights[:, None, None])
    return Answers(points, scores, heatmaps)


def joined(parts: Sequence[Answers]) -> Answers:
    """Answers ``[B, c, ...]`` about several groups of keypoints -> all of them."""
    heatmaps = [part.heatmaps for part in parts if part.heatmaps is not None]
    return Answers(
        torch.cat([part.points for part in parts], dim=1),
        torch.cat([part.scores for part in parts], dim=1),
        torch.cat(heatmaps, dim=1) if heatmaps else None,
    )


def nearby_mass(probabilities: Tensor, values: Tensor, center: Tensor, radius: float = RADIUS) -> Tensor:
    """The probability that a coordinate is within ``radius`` of ``center``.

    Args:
        probabilities: ``[..., n]`` of the ``values`` ``[n]``.
        center: ``[...]``.
    """
    return (probabilities * _near(values, center, radius)).sum(dim=-1).clamp(max=1)  # rounding may exceed it


def nearby_mean(probabilities: Tensor, values: Tensor, center: Tensor, radius: float = RADIUS) -> Tensor:
    """The expected coordinate among those within ``radius`` of ``center``.

    A mean over all values would lie between the left and the right one of a pair.
    """
    weights = probabilities * _near(values, center, radius)
    return (weights * values).sum(dim=-1) / weights.sum(dim=-1).clamp(min=torch.finfo(weights.dtype).tiny)


def _near(values: Tensor, center: Tensor, radius: float) -> Tensor:
    return ((values - center[..., None]).abs() <= radius + 1e-6).to(values.dtype)
