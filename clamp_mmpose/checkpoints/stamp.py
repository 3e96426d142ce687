"""Recognizes weights by a few of their values."""

from typing import Dict, List

from torch import Tensor

SAMPLED_TENSORS = 16  # of a model
SAMPLED_VALUES = 8  # of each of them

Stamp = Dict[str, List[float]]


def stamp_of(weights: Dict[str, Tensor]) -> Stamp:
    """A few values of some tensors, matrices if there are any, by name."""
    names = sorted(name for name, value in weights.items() if value.ndim > 1) or sorted(weights)
    chosen = names[:: -(-len(names) // SAMPLED_TENSORS)]
    return {name: sample(weights[name]) for name in chosen}


def sample(weight: Tensor) -> List[float]:
    """A few values of a tensor."""
    flat = weight.detach().reshape(-1)
    return flat[:: max(1, len(flat) // SAMPLED_VALUES)][:SAMPLED_VALUES].float().tolist()
