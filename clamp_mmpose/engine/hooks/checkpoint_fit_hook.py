from pathlib import Path

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import BaseLoop, find_latest_checkpoint
from mmpose.registry import HOOKS

from clamp_mmpose.checkpoints.fit import check_fit, weights_of
from clamp_mmpose.engine.resumed_files import forget_foreign_files
from clamp_mmpose.models.utils.trained_parts import complete


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
        complete(model, checkpoint, source)
        weights = weights_of(checkpoint)
        # MMEngine would take another key than 'state_dict', or weights alone beside other entries, for no weights
        checkpoint.setdefault('state_dict', weights)
        check_fit(model, weights, source, partial=training and not runner._resume)
        info = (checkpoint.get('message_hub') or {}).get('runtime_info')
        if info:
            folders = [runner.work_dir, *(getattr(hook, 'out_dir', None) for hook in runner.hooks)]
            forget_foreign_files(info, [Path(folder) for folder in folders if folder])
