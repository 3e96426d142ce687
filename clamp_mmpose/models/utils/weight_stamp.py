from typing import Iterable, Iterator, Optional, Tuple

import torch
from torch import Tensor, nn

WHOLE = 2**14  # tensors of up to so many values are compared whole
SAMPLES = 256  # and so many values of larger ones


class WeightStamp:
    """Tells whether weights have changed, at a fraction of the cost of comparing them.

    Every operation that PyTorch tracks is seen, and every other tensor in their place. Writing through ``Tensor.data``
    is not tracked: it is seen by the values, of which large tensors are sampled.

    Args:
        tensors: the weights.
        values: whether to look at the values too; on a GPU, comparing them waits for it.
    """

    def __init__(self, tensors: Iterable[Tensor], values: bool = True):
        tensors = [getattr(tensor, '_local_tensor', tensor).detach() for tensor in tensors]
        self.identity: Tuple = tuple(map(_identity, tensors))
        self.values: Optional[Tensor] = None
        if values and tensors:
            device = tensors[0].device
            self.values = torch.cat([_sampled(tensor).to(device, torch.float64) for tensor in tensors])

    def matches(self, other: 'WeightStamp') -> bool:
        """Whether the weights are the same; values are compared if both stamps have them."""
        if self.identity != other.identity:
            return False
        return self.values is None or other.values is None or torch.equal(self.values, other.values)


def weights_in(*modules: Optional[nn.Module]) -> Iterator[Tensor]:
    """The parameters and buffers of modules."""
    for module in modules:
        if module is not None:
            yield from module.parameters()
            yield from module.buffers()


def _identity(tensor: Tensor) -> Tuple:
    # tensors made in inference mode have no version
    version = None if tensor.is_inference() else tensor._version
    return tensor.data_ptr(), version, tensor.dtype, tensor.shape


def _sampled(tensor: Tensor) -> Tensor:
    flat = tensor.reshape(-1)
    return flat if len(flat) <= WHOLE else flat[:: len(flat) // SAMPLES]
