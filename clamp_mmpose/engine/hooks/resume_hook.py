import os
from typing import Optional

from mmengine.hooks import CheckpointHook, Hook
from mmengine.runner import BaseLoop, IterBasedTrainLoop, Runner
from mmpose.registry import HOOKS

from clamp_mmpose.engine.schedule import OPTIMIZER, apply_schedule, find_changes, note_sizes

NEEDED = ('meta', 'message_hub', 'optimizer')
SHOWN = 8


@HOOKS.register_module()
class ResumeHook(Hook):
    """Makes a resumed training equal an uninterrupted one, and says where it cannot.

    A changed schedule is refused, or applied with ``change_schedule``: MMEngine overrides it with the saved state. The
    evaluation of the checkpoint is made up for if the run was killed before it ended. The best checkpoint is looked for
    in the work dir, which may have been moved.

    Args:
        change_schedule: apply the schedule of the config, as if the whole training had had it.

    Raises:
        ValueError: the checkpoint lacks the training state, or the schedule has changed.
    """

    priority = 'LOWEST'  # after CheckpointHook

    def __init__(self, change_schedule: bool = False):
        self.change_schedule = change_schedule
        self._validating = False

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        if not runner._resume or not isinstance(runner._train_loop, BaseLoop):
            return
        needed = NEEDED if runner.param_schedulers is None else (*NEEDED, 'param_schedulers')
        missing = [name for name in needed if name not in checkpoint]
        meta = checkpoint.get('meta', {})
        missing += [name for name in ('epoch', 'iter') if not isinstance(meta.get(name), int)]
        if missing:
            raise ValueError(
                f'{runner._load_from} has no training state ({", ".join(missing)}), as best_*.pth and published '
                'checkpoints have none: resume from an epoch_*.pth, or start a training from its weights '
                '(--cfg-options load_from=FILE, without --resume).'
            )
        meta.pop('config', None)  # MMEngine would run this text
        if not meta.get('cfg'):
            runner.logger.warning('The checkpoint does not hold its config: whether settings changed is not known.')
        self._check_schedule(runner, checkpoint)

    def _check_schedule(self, runner: Runner, checkpoint: dict) -> None:
        changes = find_changes(runner, checkpoint['meta'])
        for text in changes.others[:SHOWN]:
            runner.logger.warning(f'Changed since the checkpoint was saved: {text}.')
        if len(changes.others) > SHOWN:
            runner.logger.warning(f'{len(changes.others) - SHOWN} further settings have changed.')
        listed = '; '.join(changes.schedule[:SHOWN])
        if any(text.startswith(OPTIMIZER) for text in changes.schedule):
            raise ValueError(
                f'{listed}: the saved state is of no use to another optimizer. Start a training from the weights '
                '(--cfg-options load_from=FILE, without --resume).'
            )
        if self.change_schedule:
            apply_schedule(runner, checkpoint)
            for text in changes.schedule:
                runner.logger.warning(f'Changed since the checkpoint was saved, and applied: {text}.')
        elif changes.schedule:
            raise ValueError(
                f'the schedule has changed since the checkpoint was saved: {listed}. Restore these settings, or add '
                '--change-schedule to apply them as if the whole training had had them.'
            )
        elif any(text.startswith(('train_cfg.max_epochs', 'train_cfg.max_iters')) for text in changes.others):
            runner.logger.warning(
                'The learning rate goes on as the checkpoint planned it; after its end it stays at its last value. '
                '--change-schedule applies the schedule of the config instead.'
            )

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        note_sizes(runner, checkpoint['meta'])
        if self._validating:  # FlexibleRunner counts one too many after a validation
            checkpoint['meta'].update(epoch=runner.epoch, iter=runner.iter)

    def before_train(self, runner: Runner) -> None:
        if not runner._resume or not runner.iter:
            return
        for hook in runner.hooks:
            if isinstance(hook, CheckpointHook) and hook.save_best:
                _look_for_best_here(runner, hook)
        if _validation_is_due(runner) and runner.message_hub.runtime_info.get('evaluated') != _position(runner):
            runner.logger.info('The checkpoint was saved before its evaluation: it is evaluated now.')
            runner.val_loop.run()

    def before_val(self, runner: Runner) -> None:
        # what is saved from now on is saved after this evaluation; MMEngine would log a name that starts with "val"
        runner.message_hub.update_info('evaluated', _position(runner))
        self._validating = True

    def after_val(self, runner: Runner) -> None:
        self._validating = False


def _position(runner: Runner) -> int:
    return runner.iter if isinstance(runner.train_loop, IterBasedTrainLoop) else runner.epoch


def _validation_is_due(runner: Runner) -> bool:
    """Whether the training loop validates after the epoch (or iteration) that has just ended."""
    if runner.val_loop is None:
        return False
    loop, position = runner.train_loop, _position(runner)
    last = loop.max_iters if isinstance(loop, IterBasedTrainLoop) else loop.max_epochs
    loop._decide_current_val_interval()
    return position >= loop.val_begin and (position % loop.val_interval == 0 or position == last)


def _look_for_best_here(runner: Runner, hook: CheckpointHook) -> None:
    """MMEngine deletes the best checkpoint by its old path, which may be in the folder that this one is a copy of."""
    if len(hook.key_indicators) == 1:
        hook.best_ckpt_path = _beside(hook.best_ckpt_path, hook.out_dir)
        runner.message_hub.update_info('best_ckpt', hook.best_ckpt_path)
        return
    for name, path in hook.best_ckpt_path_dict.items():
        hook.best_ckpt_path_dict[name] = _beside(path, hook.out_dir)
        runner.message_hub.update_info(f'best_ckpt_{name}', hook.best_ckpt_path_dict[name])


def _beside(path: Optional[str], folder: str) -> Optional[str]:
    if not path or '://' in path:
        return path
    here = os.path.join(folder, os.path.basename(path))
    return here if os.path.isfile(here) else None
