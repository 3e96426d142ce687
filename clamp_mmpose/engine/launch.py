"""What ``tools/train.py`` and ``tools/test.py`` share: MMPose's command line, and a Runner that checks its input."""
import argparse
import os
from pathlib import Path

import torch
import torch.distributed
from mmengine.config import Config, DictAction
from mmengine.runner import Runner

from .hooks import CheckpointFitHook, DatasetFitHook


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that MMPose's train and test commands have in common."""
    parser.add_argument('--work-dir', help='where logs, checkpoints and results go (default: work_dirs/CONFIG NAME)')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, default={}, metavar='KEY=VALUE',
                        help='override settings of the config, e.g. train_dataloader.batch_size=16')
    parser.add_argument('--show-dir', help='where pictures of the predictions are saved')
    parser.add_argument('--show', action='store_true', help='show the predictions in a window')
    parser.add_argument('--interval', type=int, default=1, help='draw every n-th sample')
    parser.add_argument('--wait-time', type=float, default=1, help='seconds each window stays')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)


def load_config(args: argparse.Namespace) -> Config:
    """Read the config and apply the common arguments, as MMPose does."""
    if not Path(args.config).is_file():
        raise FileNotFoundError(f'config {args.config} does not exist (looked in {Path.cwd()}).')
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options)
    cfg.launcher = args.launcher
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs') / Path(args.config).stem)
    if args.show or args.show_dir is not None:
        cfg.default_hooks.visualization.update(
            enable=True, show=args.show, out_dir=args.show_dir, interval=args.interval, wait_time=args.wait_time)
    return cfg


def finish() -> None:
    """Take leave of the other processes, which gloo otherwise takes for a crash."""
    if torch.distributed.is_initialized():
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()


def build_runner(cfg: Config) -> Runner:
    """A Runner that checks checkpoint and data before use; without GPU, several processes run on gloo."""
    if cfg.launcher == 'pytorch' and not torch.cuda.is_available():
        if not torch.distributed.is_initialized():  # MMEngine would ask for a CUDA device
            torch.distributed.init_process_group('gloo')
        cfg.model_wrapper_cfg = dict(type='MMDistributedDataParallel', device_ids=None)
    runner = Runner.from_cfg(cfg)
    runner.register_hook(CheckpointFitHook())
    runner.register_hook(DatasetFitHook())
    return runner
