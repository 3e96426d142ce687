from typing import Any, Callable, Hashable

import torch
from torch import nn


class Cached(nn.Module):
    """Caches what does not depend on the image, in eval mode.

    Training mode, loading weights, and moving or converting the module clear the cache. With gradients enabled it is
    not used, so that no gradient is lost.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._kept = {}

    def cached(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        """``compute()`` or its cached result, in full precision, so that it is also right outside autocast."""
        if self.training or torch.is_grad_enabled():
            return compute()
        kept = self._kept  # another thread may clear it meanwhile
        if key not in kept:
            device = next(self.parameters()).device
            with torch.autocast(device_type=device.type, enabled=False):
                kept[key] = compute()
        return kept[key]

    def drop_cache(self) -> None:
        self._kept = {}

    def train(self, mode: bool = True) -> 'Cached':
        self.drop_cache()
        return super().train(mode)

    def _apply(self, *args, **kwargs) -> 'Cached':
        self.drop_cache()
        return super()._apply(*args, **kwargs)

    def _load_from_state_dict(self, *args, **kwargs) -> None:
        self.drop_cache()
        super()._load_from_state_dict(*args, **kwargs)
