"""A hook for test configs: BatchNorm uses and keeps its running statistics, since SyncBatchNorm has no CPU form."""

from mmengine.hooks import Hook
from mmpose.registry import HOOKS
from torch.nn.modules.batchnorm import _BatchNorm


@HOOKS.register_module()
class FrozenBatchNorm(Hook):
    def before_train_iter(self, runner, *args, **kwargs) -> None:
        for module in runner.model.modules():
            if isinstance(module, _BatchNorm):
                module.eval()
