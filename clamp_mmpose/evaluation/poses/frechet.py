"""Fréchet distance of poses in an encoder's space (FID; Heusel et al., NeurIPS 2017)."""

import logging
from typing import NamedTuple, Tuple, Union

import numpy as np
import torch
from mmengine.logging import print_log

Array = Union[np.ndarray, torch.Tensor]


class FrechetDistance(NamedTuple):
    """A distance, which means little with fewer samples than dimensions.

    Attributes:
        value: zero or more.
        samples: of the first and of the second set.
        dimensions: of the space.
    """

    value: float
    samples: Tuple[int, int]
    dimensions: int


def frechet_distance(first: Array, second: Array) -> FrechetDistance:
    """The Fréchet distance of normal distributions with the means and covariances (n - 1) of two sets.

    Only distances in the space of the same encoder are comparable.

    Args:
        first, second: ``[N, D]`` and ``[M, D]``.

    Raises:
        ValueError: other shapes, fewer than two samples, values that are not finite.
    """
    sets = [
        values.detach().cpu().double().numpy() if isinstance(values, torch.Tensor) else np.asarray(values, np.float64)
        for values in (first, second)
    ]
    if any(values.ndim != 2 or len(values) < 2 for values in sets) or sets[0].shape[1] != sets[1].shape[1]:
        shapes = ' and '.join(str(list(values.shape)) for values in sets)
        raise ValueError(f'expected [N, D] and [M, D] with two samples or more each, got {shapes}.')
    if not all(np.isfinite(values).all() for values in sets):
        raise ValueError('features are not finite: check the weights of the encoder.')
    samples, dimensions = (len(sets[0]), len(sets[1])), sets[0].shape[1]
    if min(samples) <= dimensions:
        print_log(
            f'FID: {min(samples):,} samples in {dimensions:,} dimensions: the covariance is singular, and the distance '
            'depends on the number of samples; compare it with none of another number.',
            'current',
            logging.WARNING,
        )
    means = [values.mean(0) for values in sets]
    covariances = [np.cov(values, rowvar=False).reshape(dimensions, dimensions) for values in sets]
    return FrechetDistance(_distance(means, covariances), samples, dimensions)


def _distance(means: list, covariances: list) -> float:
    """|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)).

    S1 S2 has the eigenvalues of S1^(1/2) S2 S1^(1/2), which is symmetric: none is complex, and rounding below zero is
    cut off.
    """
    values, vectors = np.linalg.eigh(covariances[0])
    root = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    product = np.linalg.eigvalsh(root @ covariances[1] @ root).clip(min=0)
    traces = np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * np.sqrt(product).sum()
    return max(0.0, float(np.square(means[0] - means[1]).sum() + traces))
