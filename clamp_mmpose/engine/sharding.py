from typing import Sequence

from mmengine.registry import FUNCTIONS
from torch import nn


@FUNCTIONS.register_module()
def wrap_layers(module: nn.Module, recurse: bool, nonwrapped_numel: int, layers: Sequence[str]) -> bool:
    """FSDP's ``auto_wrap_policy`` for a model whose repeated layers hold nearly all weights.

    Each layer is gathered when it runs; everything else, such as embeddings, stays gathered while the model runs.

    Args:
        module, recurse, nonwrapped_numel: as FSDP passes them.
        layers: names of classes, such as ``['LlamaDecoderLayer', 'Dinov2Layer']``.
    """
    return recurse or type(module).__name__ in layers
