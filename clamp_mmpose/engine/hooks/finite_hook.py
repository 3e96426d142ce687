import math
from typing import Any, Dict, Iterable, List, Optional, Sequence

import numpy as np
import torch
from mmengine.dist import all_gather_object, all_reduce, get_rank, get_world_size
from mmengine.hooks import CheckpointHook, Hook
from mmengine.model import is_model_wrapper
from mmengine.optim import AmpOptimWrapper
from mmengine.runner import BaseLoop, IterBasedTrainLoop, Runner
from mmpose.registry import HOOKS
from torch import Tensor

NAMES_SHOWN = 3


@HOOKS.register_module()
class FiniteHook(Hook):
    """Ends a run whose losses, weights or predictions are NaN or infinite, before they are saved over good ones.

    A gradient that is not finite does no harm where AMP's loss scaler skips the step; a loss that is not finite ends
    the training in mixed precision too. A metric that is not finite is reported, and never the best.

    Raises:
        ValueError: in all processes at once, if it is found in one of them while training.
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        self._check_weights(runner, 'before training', 'The weights that were loaded are damaged: give others.')

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Optional[dict] = None
    ) -> None:
        losses = {name: value for name, value in (outputs or {}).items() if 'loss' in name}
        bad = {name: value for name, value in zip(losses, _numbers(losses.values())) if not math.isfinite(value)}
        if len(bad) > 1:
            bad.pop('loss', None)  # the sum of the others
        self._stop(runner, [f'{name} is {value}' for name, value in bad.items()], runner.iter + 1)
        if any(_saves_now(runner, hook) for hook in runner.hooks):
            self._stop(runner, _bad_weights(runner), runner.iter + 1)

    def after_train_epoch(self, runner: Runner) -> None:
        """The last step of an epoch can break the weights while its own loss is finite."""
        self._stop(runner, _bad_weights(runner), runner.iter)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        bad = _bad_weights(runner)  # in the main process alone, for savers that are not CheckpointHook
        if bad:
            raise ValueError(_diverged(runner, bad, runner.iter))

    def before_val_epoch(self, runner: Runner) -> None:
        if isinstance(runner._train_loop, BaseLoop):
            self._stop(runner, _bad_weights(runner), runner.iter)
        else:
            self._check_weights(runner, 'before validation', 'Give others.')

    def before_test_epoch(self, runner: Runner) -> None:
        self._check_weights(runner, f'of {runner._load_from}', 'Test an earlier checkpoint.')

    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Optional[Sequence] = None
    ) -> None:
        for sample in outputs or ():
            check_prediction(sample)

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Optional[Sequence] = None
    ) -> None:
        for sample in outputs or ():
            check_prediction(sample)

    def after_val_epoch(self, runner: Runner, metrics: Optional[Dict[str, Any]] = None) -> None:
        metrics = {} if metrics is None else metrics
        for name, value in metrics.items():
            if isinstance(value, (int, float, np.number)) and not math.isfinite(value):
                runner.logger.warning(f'The metric {name} is {value}: this evaluation cannot be the best by it.')
                metrics[name] = math.nan  # neither greater nor less than any number
        for hook in runner.hooks if metrics else ():
            wanted = getattr(hook, 'key_indicators', None) if isinstance(hook, CheckpointHook) else None
            missing = [name for name in wanted or () if name not in (*metrics, 'auto')]
            if missing:
                raise ValueError(
                    f'default_hooks.checkpoint.save_best={missing[0]!r} is not among the metrics of val_evaluator '
                    f'{sorted(metrics)}: choose one of them.'
                )

    @staticmethod
    def _check_weights(runner: Runner, when: str, remedy: str) -> None:
        bad = _gather(_bad_weights(runner))
        if bad:
            raise ValueError(f'the weights {when} are not finite: {"; ".join(bad)}. {remedy}')

    @staticmethod
    def _stop(runner: Runner, bad: List[str], iteration: int) -> None:
        bad = _gather(bad)
        if bad:
            raise ValueError(_diverged(runner, bad, iteration))


def check_prediction(sample: Any) -> None:
    """Check the keypoints, scores and class scores of a sample.

    Raises:
        ValueError: one is NaN or infinite; the message names the image.
    """
    instances = sample.get('pred_instances') or {}
    scores = np.asarray(_array(instances.get('keypoint_scores', np.ones(()))))
    keypoints = np.asarray(_array(instances.get('keypoints', np.zeros(()))))
    bad = []
    if not np.isfinite(scores).all():
        bad.append('keypoint_scores')
    # bottom-up heads give keypoints that were not found no position, and the score 0
    elif not (np.isfinite(keypoints).all() or np.isfinite(keypoints[np.broadcast_to(scores != 0, scores.shape)]).all()):
        bad.append('keypoints')
    if not np.isfinite(_array(sample.get('class_scores', np.zeros(())))).all():
        bad.append('class_scores')
    if bad:
        raise ValueError(
            f'the predictions for {sample.get("img_path", "an image")} are not finite ({", ".join(bad)}): the weights '
            'are damaged, or this sample or its box is; tools/check_dataset.py examines the data.'
        )


def _array(values: Any) -> np.ndarray:
    return values.detach().float().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)


def _numbers(values: Iterable[Any]) -> List[float]:
    """The values as numbers; waits for the GPU once."""
    tensors = [torch.as_tensor(value).detach().float().mean() for value in values]
    return torch.stack(tensors).tolist() if tensors else []


def _bad_weights(runner: Runner) -> List[str]:
    """The parameters and running statistics that are not finite."""
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    # other buffers may hold an infinity on purpose, as the mask of an attention does
    tensors = dict(model.named_parameters())
    tensors.update((name, value) for name, value in model.named_buffers() if 'running_' in name)
    tensors = {name: value for name, value in tensors.items() if value.is_floating_point() and value.numel()}
    finite = _numbers(value.isfinite().all() for value in tensors.values())
    bad = [name for name, good in zip(tensors, finite) if not good]
    more = f' and {len(bad) - NAMES_SHOWN} more' if len(bad) > NAMES_SHOWN else ''
    return [f'weights hold NaN or infinity in {", ".join(bad[:NAMES_SHOWN])}{more}'] if bad else []


def _saves_now(runner: Runner, hook: Hook) -> bool:
    """Whether this hook saves a checkpoint after the present iteration."""
    if not isinstance(hook, CheckpointHook) or hook.by_epoch:
        return False
    due = hook.every_n_train_iters(runner, hook.interval, hook.save_begin)
    return due or (hook.save_last and hook.is_last_train_iter(runner))


def _gather(bad: List[str]) -> List[str]:
    """What is wrong in any process, in all of them, so that they stop together."""
    if get_world_size() == 1:
        return bad
    found = torch.tensor(float(bool(bad)))
    all_reduce(found, 'max')
    if not found:
        return []
    everywhere = all_gather_object([f'{what} (process {get_rank()})' for what in bad])
    return [what for one in everywhere for what in one]


def _diverged(runner: Runner, bad: Sequence[str], iteration: int) -> str:
    rates = [rate for values in runner.optim_wrapper.get_lr().values() for rate in values]
    saved = runner.message_hub.runtime_info.get('last_ckpt')
    advice = 'lower the learning rate, or limit the gradients (optim_wrapper.clip_grad.max_norm=1)'
    if isinstance(runner.optim_wrapper, AmpOptimWrapper):
        advice += ', or train without --amp'
    epoch = '' if isinstance(runner.train_loop, IterBasedTrainLoop) else f' (epoch {runner.epoch + 1})'
    return (
        f'the training diverged at iteration {iteration}{epoch}: {"; ".join(bad)}, at a '
        f'learning rate of {max(rates, default=0):g}. Nothing was saved after it'
        + (f'; the last checkpoint is {saved}' if saved else '')
        + f'. Check the data with tools/check_dataset.py, {advice}.'
    )
