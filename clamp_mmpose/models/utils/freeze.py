from functools import partial

from torch import nn


def freeze(module: nn.Module) -> None:
    """Stop training a module: its parameters need no gradient, and it stays in eval mode.

    The parameters stay parameters, which FSDP and ZeRO-3 shard. Gradients still pass through to the module's input. A
    later ``train()`` of the module, of its parts or of its parent changes neither dropout nor batch norm.
    """
    module.requires_grad_(False)
    for part in module.modules():
        # a partial, unlike a closure, follows the part when the model is copied (EMA) or pickled
        part.__dict__['train'] = partial(_stay_in_eval_mode, part)
    module.train()


def _stay_in_eval_mode(module: nn.Module, mode: bool = True) -> nn.Module:
    return type(module).train(module, False)
