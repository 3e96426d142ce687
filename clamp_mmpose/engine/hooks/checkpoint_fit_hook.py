from pathlib import Path
from typing import Dict

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import BaseLoop, find_latest_checkpoint
from mmpose.registry import HOOKS
from torch import Tensor
from torch.distributed.fsdp import FullyShardedDataParallel

from clamp_mmpose.checkpoints.fit import DEFAULT_REMEDY, check_fit, weights_of
from clamp_mmpose.engine.resumed_files import forget_foreign_files
from clamp_mmpose.models.utils.trained_parts import complete, without_wrappers


@HOOKS.register_module()
class CheckpointFitHook(Hook):
    """Raises an error if a checkpoint does not fit the model; MMEngine only warns.

    Testing and resuming need every weight; training with ``load_from`` needs at least one. Frozen weights that
    :class:`TrainedPartsHook` has left out are added first.
    """

    priority = 'VERY_HIGH'  # before EMAHook, which copies the weights

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        training = isinstance(runner._train_loop, BaseLoop)
        source = runner._load_from or find_latest_checkpoint(runner.work_dir)
        partial = training and not runner._resume
        sharded = isinstance(runner.model, FullyShardedDataParallel)
        if not sharded:
            complete(model, checkpoint, source)
        weights = weights_of(checkpoint)
        # MMEngine would take another key than 'state_dict', or weights alone beside other entries, for no weights
        checkpoint.setdefault('state_dict', weights)
        if sharded:
            check_names(runner.model, weights, checkpoint, source, partial)
        else:
            check_fit(model, weights, source, partial=partial)
        info = (checkpoint.get('message_hub') or {}).get('runtime_info')
        if info:
            folders = [runner.work_dir, *(getattr(hook, 'out_dir', None) for hook in runner.hooks)]
            forget_foreign_files(info, [Path(folder) for folder in folders if folder])


def check_names(
    model: FullyShardedDataParallel, weights: Dict[str, Tensor], checkpoint: dict, source: str, partial: bool
) -> None:
    """Check that no parameter is missing; a process holds a part of each, so that FSDP itself compares the shapes.

    Frozen ones may be: the model has loaded them before it was sharded.
    """
    reduced = bool((checkpoint.get('meta') or {}).get('frozen_parts'))
    own = [without_wrappers(name) for name, value in model.named_parameters() if value.requires_grad or not reduced]
    missing = [name for name in own if name not in weights]
    if len(missing) == len(own) or (missing and not partial):
        raise ValueError(
            f'{source} does not fit this model: {len(missing)} of {len(own)} weights are missing {missing[:3]}. '
            f'{DEFAULT_REMEDY}'
        )
