from typing import Any, Callable, Dict, Hashable, Iterable, Optional, Tuple

import torch
from torch import Tensor, nn

from .weight_stamp import WeightStamp, weights_in

MAX_ENTRIES = 16


class Cached(nn.Module):
    """Caches what does not depend on the image, in eval mode, until the weights it was computed from change.

    With gradients enabled it is not used, so that no gradient is lost. A copied or pickled module, and the replicas of
    ``DataParallel``, start without it.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._kept: Dict[Hashable, Tuple[WeightStamp, Any]] = {}

    def cached(self, key: Hashable, compute: Callable[[], Any], sources: Optional[Iterable[Tensor]] = None) -> Any:
        """``compute()`` or its cached result, in full precision, so that it is also right outside autocast.

        Args:
            key: names the result.
            compute: must depend on ``key`` and ``sources`` alone.
            sources: the weights that ``compute`` reads; None: all of this module.
        """
        if self.training or torch.is_grad_enabled() or is_replica(self):
            return compute()
        kept = self._kept  # another thread may clear it meanwhile
        entry = kept.get(key)
        if _is_traced():  # the weights are symbols there
            return compute() if entry is None else entry[1]
        sources = list(weights_in(self) if sources is None else sources)
        if entry is None or not entry[0].fits(sources):
            stamp = WeightStamp(sources)
            for oldest in list(kept)[: max(0, len(kept) + 1 - MAX_ENTRIES)]:
                kept.pop(oldest, None)
            device = next(self.parameters()).device
            with torch.autocast(device_type=device.type, enabled=False):
                entry = kept[key] = stamp, compute()
        return entry[1]

    def drop_cache(self) -> None:
        self._kept = {}

    def train(self, mode: bool = True) -> 'Cached':
        self.drop_cache()
        return super().train(mode)

    def _apply(self, *args, **kwargs) -> 'Cached':
        self.drop_cache()
        return super()._apply(*args, **kwargs)

    def __getstate__(self) -> dict:
        return dict(self.__dict__, _kept={})


def is_replica(module: nn.Module) -> bool:
    """Whether this is a copy that ``DataParallel`` made for one call; it shares its attributes with the original."""
    return getattr(module, '_is_replica', False)


def _is_traced() -> bool:
    compiler = getattr(torch, 'compiler', None)
    compiling = getattr(compiler, 'is_compiling', None) or torch._dynamo.is_compiling
    return torch.jit.is_tracing() or compiling()
