from typing import List, Tuple

import torch
import torch.distributed as dist
from mmengine.dist import get_world_size
from torch import Tensor


def gather(embeddings: Tensor) -> Tuple[Tensor, int]:
    """The embeddings ``[N, D]`` of all processes, by rank, and the index of this process's first one.

    Each process receives the gradients of its own embeddings, summed over the losses of all processes.
    """
    if get_world_size() == 1:
        return embeddings, 0
    sizes = _sizes(embeddings)
    return _Gather.apply(embeddings, sizes), sum(sizes[: dist.get_rank()])


def _sizes(embeddings: Tensor) -> List[int]:
    """Number of embeddings of each process: the last batches differ if the sampler does not round up."""
    sizes = [torch.zeros(1, dtype=torch.long, device=embeddings.device) for _ in range(get_world_size())]
    dist.all_gather(sizes, torch.tensor([len(embeddings)], device=embeddings.device))
    return [int(size) for size in sizes]


class _Gather(torch.autograd.Function):
    """Replaces torch.distributed.nn.functional.all_gather, which PyTorch deprecates in favor of a private module."""

    @staticmethod
    def forward(ctx, embeddings: Tensor, sizes: List[int]) -> Tensor:
        ctx.sizes = sizes
        padded = embeddings.new_zeros(max(sizes), embeddings.shape[1])
        padded[: len(embeddings)] = embeddings
        parts = [torch.empty_like(padded) for _ in sizes]
        dist.all_gather(parts, padded)
        return torch.cat([part[:size] for part, size in zip(parts, sizes)])

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tuple[Tensor, None]:
        gradient = gradient.contiguous()
        dist.all_reduce(gradient)
        return gradient.split(ctx.sizes)[dist.get_rank()], None
