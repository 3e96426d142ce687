from typing import Any, Callable, Hashable

import torch
from torch import nn


class Cached(nn.Module):
    """Keeps what does not depend on the image, in eval mode.

    Training mode, loading weights, and moving or converting the module drop what was kept. With gradients enabled
    nothing is kept or reused, so that none are lost.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._kept = {}

    def cached(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        """``compute()``, or what it gave before; computed in full precision, to be right outside autocast too."""
        if self.training or torch.is_grad_enabled():
            return compute()
        kept = self._kept  # another thread may drop it meanwhile
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
