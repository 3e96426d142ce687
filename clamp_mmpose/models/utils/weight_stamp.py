from typing import Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

import torch
from torch import Tensor, nn

WHOLE = 2**14  # tensors of up to so many values are compared whole
SAMPLES = 256  # and so many values of larger ones


class WeightStamp:
    """Tells whether weights have changed, at a fraction of the cost of comparing them.

    Every operation that PyTorch tracks is seen, and every other tensor in their place. Writing through ``Tensor.data``
    is not tracked: it is seen by the values, of which large tensors are sampled. Views of the samples are kept, and one
    operation reads them all: on a GPU, hundreds of small ones would take longer than the model.

    Args:
        tensors: the weights.
    """

    def __init__(self, tensors: Iterable[Tensor]):
        tensors = _plain(tensors)
        self.identity = _identities(tensors)
        groups: Dict[Tuple[torch.device, torch.dtype], List[Tensor]] = {}
        for tensor in tensors:
            groups.setdefault((tensor.device, tensor.dtype), []).append(_sampled(tensor.detach()))
        self.samples = list(groups.values())
        self.values = [torch.cat(group) for group in self.samples]

    def fits(self, tensors: Iterable[Tensor], values: bool = True) -> bool:
        """Whether these are the same weights, unchanged.

        Args:
            tensors: the weights now.
            values: whether to look at the values too; on a GPU, comparing them waits for it.
        """
        if self.identity != _identities(_plain(tensors)):
            return False
        return not values or all(torch.equal(torch.cat(group), kept) for group, kept in zip(self.samples, self.values))


def weights_in(*modules: Optional[nn.Module]) -> Iterator[Tensor]:
    """The parameters and buffers of modules."""
    for module in modules:
        if module is not None:
            yield from module.parameters()
            yield from module.buffers()


def _plain(tensors: Iterable[Tensor]) -> List[Tensor]:
    return [getattr(tensor, '_local_tensor', tensor) for tensor in tensors]


def _identities(tensors: Sequence[Tensor]) -> Tuple:
    # tensors made in inference mode have no version
    return tuple(
        (tensor.data_ptr(), None if tensor.is_inference() else tensor._version, tensor.dtype, tensor.shape)
        for tensor in tensors
    )


def _sampled(tensor: Tensor) -> Tensor:
    """Some values ``[N]``, as a view that follows changes: whatever the memory format, dimensions in memory order."""
    order = sorted(range(tensor.ndim), key=tensor.stride, reverse=True)
    flat = tensor.permute(order).reshape(-1)
    return flat if len(flat) <= WHOLE else flat[:: len(flat) // SAMPLES]
