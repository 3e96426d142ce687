"""Train a model, with MMPose's arguments."""

import argparse
import sys
from typing import Optional, Sequence

from .command import build_parser, run_command, warn_of_unused_gpu
from .run_arguments import add_run_arguments, load_config


def make_parser() -> argparse.ArgumentParser:
    parser = build_parser(__doc__, 'train')
    parser.add_argument('config', help='config file, or the name or alias of a model')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='resume from this checkpoint, or from the latest one in the work dir',
    )
    parser.add_argument(
        '--change-schedule',
        action='store_true',
        help='resume with the schedule of the config, as if the whole training had had it',
    )
    parser.add_argument('--amp', action='store_true', help='train in mixed precision')
    parser.add_argument('--no-validate', action='store_true', help='do not evaluate while training')
    parser.add_argument('--auto-scale-lr', action='store_true', help='scale the learning rate with the batch size')
    add_run_arguments(parser)
    return parser


def run(args: argparse.Namespace) -> Optional[int]:
    from clamp_mmpose.engine.launch import build_runner, limit_threads, shut_down_distributed

    cfg = load_config(args)
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    if args.amp:
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    if args.resume:
        cfg.resume = 'auto' if args.resume == 'auto' else True
        cfg.load_from = cfg.get('load_from') if args.resume == 'auto' else args.resume
    if args.auto_scale_lr:
        cfg.auto_scale_lr.enable = True

    warn_of_unused_gpu()
    limit_threads(cfg)
    runner = build_runner(cfg, args.change_schedule)
    try:
        runner.train()
    except KeyboardInterrupt:
        print(f'interrupted: go on with --resume --work-dir {cfg.work_dir}', file=sys.stderr)
        return 130
    shut_down_distributed()
    return None


def main(argv: Optional[Sequence[str]] = None) -> int:
    return run_command(make_parser(), run, argv)
