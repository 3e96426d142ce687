import argparse

from .command import add_cfg_options


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that MMPose's train and test commands have in common."""
    parser.add_argument('--work-dir', help='where logs, checkpoints and results go (default: work_dirs/CONFIG NAME)')
    add_cfg_options(parser, 'train_dataloader.batch_size=16')
    parser.add_argument('--show-dir', help='where pictures of the predictions are saved')
    parser.add_argument('--show', action='store_true', help='show the predictions in a window')
    parser.add_argument('--interval', type=int, default=1, help='draw every n-th sample')
    parser.add_argument('--wait-time', type=float, default=1, help='seconds each window stays')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
