from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import BaseLoop, find_latest_checkpoint
from mmpose.registry import HOOKS

from clamp_mmpose.checkpoints.fit import check_fit, weights_of


@HOOKS.register_module()
class CheckpointFitHook(Hook):
    """Stops before a checkpoint of another model is half loaded; MMEngine only warns.

    Testing and resuming need every weight. ``load_from`` for training may bring some of them, but not none.
    """

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        training = isinstance(runner._train_loop, BaseLoop)
        check_fit(
            model,
            weights_of(checkpoint),
            source=runner._load_from or find_latest_checkpoint(runner.work_dir),
            partial=training and not runner._resume,
        )
