from typing import List

from mmengine.optim import DefaultOptimWrapperConstructor, OptimWrapper
from mmpose.registry import OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class TrainableOptimWrapperConstructor(DefaultOptimWrapperConstructor):
    """MMEngine's default constructor, without the frozen parameters.

    The default one passes frozen parameters to the optimizer; with a ``paramwise_cfg`` it skips them, but warns about
    each.
    """

    def __call__(self, model: nn.Module) -> OptimWrapper:
        if self.paramwise_cfg:
            return super().__call__(model)
        return super().__call__(nn.ParameterList(p for p in model.parameters() if p.requires_grad))

    def add_params(self, params: List[dict], module: nn.Module, *args, **kwargs) -> None:
        """Like the base class, but skip frozen modules without a warning."""
        if any(p.requires_grad for p in module.parameters()):
            super().add_params(params, module, *args, **kwargs)
