"""Compares the schedule of a checkpoint with that of the config, and applies a changed one."""

import ast
import warnings
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

from mmengine.dist import get_world_size
from mmengine.optim import OptimWrapper
from mmengine.runner import IterBasedTrainLoop, Runner

# settings whose effect the saved state of optimizer and schedulers would override or confuse
BATCH_SIZE = 'train_dataloader.batch_size'
SCHEDULE = ('optim_wrapper', 'param_scheduler', 'auto_scale_lr', 'train_cfg', BATCH_SIZE)
# of them, those that need no other state: how long to train, when to validate, mixed precision
FREE = (
    'train_cfg.max_epochs',
    'train_cfg.max_iters',
    'train_cfg.val_begin',
    'train_cfg.val_interval',
    'train_cfg.dynamic_intervals',
    'optim_wrapper.type',
    'optim_wrapper.loss_scale',
    'optim_wrapper.dtype',
)
REPORTED = (
    'train_dataloader.dataset',
    'train_dataloader.sampler',
    'val_dataloader.dataset',
    'val_evaluator',
    'randomness',
    'model',
)
OPTIMIZER = 'optim_wrapper.optimizer.type'
LONGEST = 60


class Changes(NamedTuple):
    """What differs between checkpoint and config, each as ``'train_cfg.max_epochs: 4 -> 8'``."""

    schedule: List[str]
    others: List[str]


def find_changes(runner: Runner, meta: dict) -> Changes:
    """Compare the config that a checkpoint was trained with, which is only parsed, with the present one."""
    changes = Changes([], [])
    saved, present = read_settings(str(meta.get('cfg', ''))), read_settings(runner.cfg.pretty_text)
    samples = _samples(saved, meta.get('num_processes')), _samples(present, get_world_size())
    for key, before, now in _differences(saved, present) if saved else ():
        text = f'{key}: {_short(before)} -> {_short(now)}'
        if _within(key, FREE) or _within(key, REPORTED):
            changes.others.append(text)
        elif _within(key, SCHEDULE) and not (key == BATCH_SIZE and all(samples)):
            changes.schedule.append(text)
    if all(samples) and samples[0] != samples[1]:
        changes.schedule.append(f'samples in a step: {samples[0]} -> {samples[1]} ({BATCH_SIZE} x number of processes)')
    if not isinstance(runner.train_loop, IterBasedTrainLoop) and meta['epoch']:
        steps = meta.get('steps_in_epoch', meta['iter'] / meta['epoch']), len(runner.train_loop.dataloader)
        if steps[0] != steps[1]:
            changes.schedule.append(
                f'steps in an epoch: {steps[0]:g} -> {steps[1]} (batch size, number of processes or of samples)'
            )
    return changes


def note_sizes(runner: Runner, meta: dict) -> None:
    """Add to a checkpoint what its config does not tell."""
    meta['num_processes'] = get_world_size()
    if not isinstance(runner.train_loop, IterBasedTrainLoop):
        meta['steps_in_epoch'] = len(runner.train_loop.dataloader)


def _samples(settings: Dict[str, str], processes: Optional[int]) -> Optional[int]:
    """The samples of a step in all processes; None if it is not known."""
    size = settings.get(BATCH_SIZE, '')
    return int(size) * processes if size.isdecimal() and isinstance(processes, int) else None


def read_settings(text: str) -> Dict[str, str]:
    """The settings in the text of a config by dotted key; it is parsed, never run."""
    try:
        statements = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    found = {}
    for statement in statements:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            found.update(_flattened(statement.value, statement.targets[0].id))
    return found


def _flattened(node: ast.AST, key: str) -> Iterator[Tuple[str, str]]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == 'dict' and not node.args:
        inner = [(keyword.arg, keyword.value) for keyword in node.keywords]
    elif isinstance(node, ast.Dict):
        inner = [(key.value, value) for key, value in zip(node.keys, node.values) if isinstance(key, ast.Constant)]
    elif isinstance(node, (ast.List, ast.Tuple)):
        inner = list(enumerate(node.elts))
    else:
        inner = []
    if not inner:
        yield key, ast.unparse(node)
    for name, value in inner:
        yield from _flattened(value, f'{key}.{name}')


def _differences(saved: Dict[str, str], present: Dict[str, str]) -> Iterator[Tuple[str, str, str]]:
    for key in dict.fromkeys([*saved, *present]):
        before, now = saved.get(key, 'not set'), present.get(key, 'not set')
        if before != now and key != 'auto_scale_lr.base_batch_size':  # of no effect unless enabled, which is compared
            yield key, before, now


def _within(key: str, parts: Tuple[str, ...]) -> bool:
    return any(key == part or key.startswith(f'{part}.') for part in parts)


def _short(value: str) -> str:
    return value if len(value) <= LONGEST else f'{value[:LONGEST]}...'


def apply_schedule(runner: Runner, checkpoint: dict) -> None:
    """Change the saved state to what it would be if the whole training had had the config's schedule.

    The optimizer's own statistics stay.

    Raises:
        ValueError: the optimizer has other parameter groups, or a scheduler follows a metric.
    """
    loop, meta, wrapper = runner.train_loop, checkpoint['meta'], runner.optim_wrapper
    schedulers = runner.param_schedulers or []
    if not isinstance(wrapper, OptimWrapper) or any(getattr(one, 'need_val_args', False) for one in schedulers):
        raise ValueError(
            '--change-schedule works with one optimizer, and with schedulers that do not follow a metric: resume with '
            'the saved schedule.'
        )
    saved = checkpoint['optimizer']['param_groups']
    groups = wrapper.optimizer.param_groups
    if [len(group['params']) for group in saved] != [len(group['params']) for group in groups]:
        raise ValueError(
            f'the optimizer has {len(groups)} parameter groups, or other ones, where the checkpoint has {len(saved)}: '
            'paramwise_cfg, constructor and model must be those of the checkpoint.'
        )
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # the schedulers' steps come before the optimizer's
        if isinstance(loop, IterBasedTrainLoop):
            meta['epoch'] = 0
            _step(schedulers, 0, 1, meta['iter'])
        else:
            steps = len(loop.dataloader)
            meta['epoch'] = meta['epoch'] or meta['iter'] // steps  # that of a training by iterations is 0
            meta['iter'] = meta['epoch'] * steps
            _step(schedulers, meta['epoch'], steps, 0)
    for old, new in zip(saved, groups):
        old.update((name, value) for name, value in new.items() if name != 'params')
    if wrapper.base_param_settings is not None:
        checkpoint['optimizer']['base_param_settings'] = wrapper.base_param_settings
    checkpoint['param_schedulers'] = [one.state_dict() for one in schedulers]


def _step(schedulers: list, epochs: int, steps: int, iterations: int) -> None:
    """Step the schedulers as ParamSchedulerHook does."""
    by_epoch = [one for one in schedulers if one.by_epoch]
    others = [one for one in schedulers if not one.by_epoch]
    for _ in range(epochs):
        for _ in range(steps):
            for one in others:
                one.step()
        for one in by_epoch:
            one.step()
    for _ in range(iterations):
        for one in others:
            one.step()
