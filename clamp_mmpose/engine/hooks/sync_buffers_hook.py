from typing import List, Sequence

import torch
from mmengine.dist import all_reduce, is_distributed
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmpose.registry import HOOKS
from torch import Tensor, nn


@HOOKS.register_module()
class SyncBuffersHook(Hook):
    """Averages the buffers that training has made different between processes, such as batch norm's running mean.

    It replaces MMEngine's hook of this name, which also averages the buffers of frozen modules and constants: the mean
    of three equal numbers need not be the same number.
    """

    def __init__(self):
        self.in_step = False

    def before_val_epoch(self, runner: Runner) -> None:
        """Average before a validation within an epoch."""
        if not self.in_step:
            self._average(runner.model)
        self.in_step = False

    def after_train_epoch(self, runner: Runner) -> None:
        self._average(runner.model)
        self.in_step = True

    @staticmethod
    def _average(model: nn.Module) -> None:
        if is_distributed():
            average_buffers(trained_buffers(model.module if is_model_wrapper(model) else model))


def trained_buffers(model: nn.Module) -> List[Tensor]:
    """The floating-point buffers of modules in training mode; counters and indices are integers."""
    return [
        buffer
        for module in model.modules()
        if module.training
        for buffer in module.buffers(recurse=False)
        if buffer.is_floating_point()
    ]


@torch.no_grad()
def average_buffers(buffers: Sequence[Tensor]) -> None:
    """Average over the processes, in place, each buffer that is not the same in all of them."""
    for buffer in buffers:
        smallest, largest, total = buffer.clone(), buffer.clone(), buffer.clone()
        all_reduce(smallest, 'min')
        all_reduce(largest, 'max')
        if not torch.equal(smallest, largest):
            all_reduce(total, 'mean')
            buffer.copy_(total)
