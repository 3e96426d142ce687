"""Builds a Runner that checks its input first, and shuts down a distributed run."""

import os
from pathlib import Path

import torch
import torch.distributed
from mmengine.config import Config
from mmengine.registry import RUNNERS
from mmengine.runner import Runner

from clamp_mmpose.checkpoints.reader import check_exists
from clamp_mmpose.datasets.nested import leaf_configs
from clamp_mmpose.utils.files import read_json

from .hooks import CheckpointFitHook, DatasetFitHook, FiniteHook, ResumeHook
from .settings import check_settings
from .work_dir import is_sharded_checkpoint, latest_checkpoint, lock_work_dir, write_files_whole


def shut_down_distributed() -> None:
    """Wait for the other processes, then leave the process group; gloo otherwise reports a crash."""
    if torch.distributed.is_initialized():
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()


def limit_threads(cfg: Config) -> None:
    """Set PyTorch's threads to the cores divided by the processes and loader workers of this machine.

    More threads than cores slow down every layer. ``OMP_NUM_THREADS`` has priority if set.
    """
    if 'OMP_NUM_THREADS' in os.environ:
        return
    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1
    loaders = (cfg.get(f'{part}_dataloader') or {} for part in ('train', 'val', 'test'))
    workers = max(loader.get('num_workers', 0) for loader in loaders)
    processes = int(os.environ.get('LOCAL_WORLD_SIZE', os.environ.get('SLURM_NTASKS_PER_NODE', 1)))
    torch.set_num_threads(max(1, cores // (processes * (1 + workers))))


def check_annotation_files(cfg: Config) -> None:
    """Check the annotation file and the boxes of each data set, also inside wrappers, before anything is built.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: a file is truncated, or the boxes are not JSON.
    """
    # training does not need the test set
    for loader in ('train_dataloader', 'val_dataloader') if cfg.get('train_dataloader') else ('test_dataloader',):
        for where, dataset in leaf_configs(cfg.get(loader), loader):
            if '.tasks.' not in where:  # ZeroShotTasks reports missing data sets and tests the others
                _check_annotation_file(dataset, where)
                _check_boxes_file(dataset, where)


def _check_boxes_file(dataset: dict, where: str) -> None:
    path = dataset.get('bbox_file')
    if path and '://' not in path:
        if not path.endswith('.json'):  # MMPose chooses the reader by the suffix
            raise ValueError(f'{where}.bbox_file={path}: boxes are read from JSON only, in a file that ends in .json.')
        read_json(path, 'boxes', f'give another path as {where}.bbox_file', expected=list)


def _check_annotation_file(dataset: dict, where: str) -> None:
    path = dataset.get('ann_file')
    if not path or '://' in path:
        return
    path = Path(path) if os.path.isabs(path) else Path(dataset.get('data_root') or '', path)
    if not path.is_file():
        raise FileNotFoundError(
            f'annotations {path} do not exist (looked in {Path.cwd()}): prepare the data as docs/data.md says, or give '
            f'another path: --cfg-options {where}.data_root=FOLDER or {where}.ann_file=FILE.'
        )
    with path.open('rb') as file:
        file.seek(max(0, path.stat().st_size - 64))
        if path.suffix == '.json' and not file.read().rstrip().endswith((b'}', b']')):
            raise ValueError(
                f'annotations {path} are truncated ({path.stat().st_size:,} bytes): copy or download them again.'
            )


def _check_gpus(cfg: Config) -> None:
    gpus, processes = torch.cuda.device_count(), int(os.environ.get('LOCAL_WORLD_SIZE', 1))
    if cfg.launcher == 'pytorch' and 0 < gpus < processes:
        raise ValueError(
            f'{processes} processes on a machine with {gpus} GPUs: start as many processes as GPUs, or set '
            'CUDA_VISIBLE_DEVICES= (empty) to train on the CPU.'
        )


def build_runner(cfg: Config, change_schedule: bool = False) -> Runner:
    """Build a Runner that checks the checkpoint and the data. Without a GPU, several processes use gloo.

    ``runner_type='FlexibleRunner'`` in the config chooses MMEngine's runner with a ``strategy``, such as FSDP.

    Args:
        cfg: the config, with ``launcher`` and ``work_dir``. With ``resume='auto'``, ``load_from`` counts only if the
            work dir has no checkpoint; with ``resume=True``, it is the checkpoint to resume from.
        change_schedule: see :class:`ResumeHook`.

    Raises:
        ValueError: more processes than GPUs.
    """
    _check_gpus(cfg)
    if cfg.launcher == 'pytorch' and not torch.cuda.is_available():
        if not torch.distributed.is_initialized():  # MMEngine would ask for a CUDA device
            torch.distributed.init_process_group('gloo')
        cfg.model_wrapper_cfg = dict(type='MMDistributedDataParallel', device_ids=None)
        if cfg.get('runner_type') == 'FlexibleRunner':
            strategy = cfg.setdefault('strategy', dict(type='DDPStrategy'))
            if strategy.type == 'DDPStrategy':
                strategy.setdefault('model_wrapper', cfg.model_wrapper_cfg)
    check_settings(cfg)
    find_latest = cfg.get('resume') == 'auto' or (cfg.get('resume') and not cfg.get('load_from'))
    strategy_type = (cfg.get('strategy') or {}).get('type')
    folders = strategy_type == 'DeepSpeedStrategy' and bool(cfg.get('resume'))
    if not find_latest and not (folders and is_sharded_checkpoint(cfg.get('load_from'))):
        check_exists(cfg.get('load_from'))
    check_annotation_files(cfg)
    for part in ('train', 'val', 'test'):
        loader = cfg.get(f'{part}_dataloader')
        if loader and not loader.get('num_workers'):
            loader.persistent_workers = False  # PyTorch raises an error for True without workers
    # FlexibleRunner would load weights that a checkpoint has; frozen ones are not added to a model that is sharded
    sharded = strategy_type not in (None, 'SingleDeviceStrategy', 'DDPStrategy')
    cfg.setdefault('init_weights_for_test_or_val', sharded)
    lock, note = None, ''
    if cfg.get('train_cfg'):
        lock = lock_work_dir(cfg.work_dir, cfg.launcher)
        write_files_whole()
        if find_latest:
            out_dir = cfg.get('default_hooks', {}).get('checkpoint', {}).get('out_dir')
            latest, note = latest_checkpoint(cfg.work_dir, out_dir, folders)
            cfg.resume = latest is not None
            cfg.load_from = latest or cfg.get('load_from')  # a new training starts from its weights
            if not folders:
                check_exists(cfg.load_from)
    if cfg.get('visualizer'):
        # MMEngine keeps one for each name in a process: an earlier training would get the scalars of this one
        cfg.visualizer.pop('name', None)
    runner = RUNNERS.build(cfg)
    runner.work_dir_lock = lock  # held as long as the runner exists
    if note:
        runner.logger.warning(note)
    runner.register_hook(CheckpointFitHook())
    runner.register_hook(DatasetFitHook())
    runner.register_hook(FiniteHook())
    runner.register_hook(ResumeHook(change_schedule))
    return runner
