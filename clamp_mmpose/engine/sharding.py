from typing import Sequence

from mmengine._strategy import FSDPStrategy
from mmengine.registry import FUNCTIONS, STRATEGIES
from torch import nn
from torch.distributed.fsdp import FullyShardedDataParallel


@STRATEGIES.register_module()
class ShardedStrategy(FSDPStrategy):
    """MMEngine's strategy for FSDP, which also resumes on PyTorch from 2.1 on."""

    def load_optim_state_dict(self, state_dict: dict) -> None:
        """Load the state of the optimizer; the base class passes the arguments in the order of PyTorch 2.0."""
        state = FullyShardedDataParallel.optim_state_dict_to_load(
            model=self.model, optim=self.optim_wrapper.optimizer, optim_state_dict=state_dict
        )
        self.optim_wrapper.load_state_dict(state)


@FUNCTIONS.register_module()
def wrap_layers(module: nn.Module, recurse: bool, nonwrapped_numel: int, layers: Sequence[str]) -> bool:
    """FSDP's ``auto_wrap_policy`` for a model whose repeated layers hold nearly all weights.

    Each layer is gathered when it runs; everything else, such as embeddings, stays gathered while the model runs.

    Args:
        module, recurse, nonwrapped_numel: as FSDP passes them.
        layers: names of classes, such as ``['LlamaDecoderLayer', 'Dinov2Layer']``.
    """
    return recurse or type(module).__name__ in layers
