"""Arguments that train and test share; they are the same as MMPose's."""

import argparse
import os
from pathlib import Path

from mmengine.config import Config

from .command import add_cfg_options, finite_float, positive_int


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that MMPose's train and test commands have in common."""
    parser.add_argument('--work-dir', help='folder for logs, checkpoints and results (default: work_dirs/CONFIG NAME)')
    add_cfg_options(parser, 'train_dataloader.batch_size=16')
    parser.add_argument('--show-dir', help='folder for images with the predictions')
    parser.add_argument('--show', action='store_true', help='show the predictions in a window')
    parser.add_argument('--interval', type=positive_int, default=1, help='draw every n-th sample')
    parser.add_argument('--wait-time', type=finite_float, default=1, help='seconds to show each window')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)


def load_config(args: argparse.Namespace) -> Config:
    """Read the config and apply the common arguments, as MMPose does."""
    from clamp_mmpose.apis.model_zoo import read_config

    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = read_config(args.config, args.cfg_options)
    cfg.launcher = args.launcher
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs') / Path(cfg.filename).stem)
    if args.show or args.show_dir is not None:
        cfg.default_hooks.visualization.update(
            enable=True, show=args.show, out_dir=args.show_dir, interval=args.interval, wait_time=args.wait_time
        )
    return cfg
