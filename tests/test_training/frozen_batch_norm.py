"""A hook for test configs: BatchNorm uses its fixed running statistics, since SyncBatchNorm does not run on CPU."""

from mmengine.hooks import Hook
from mmpose.registry import HOOKS
from torch.nn.modules.batchnorm import _BatchNorm


@HOOKS.register_module()
class FrozenBatchNorm(Hook):
    def before_train_iter(self, runner, *args, **kwargs) -> None:
        for module in runner.model.modules():
            if isinstance(module, _BatchNorm):
                module.eval()
