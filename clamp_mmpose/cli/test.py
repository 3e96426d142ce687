"""Test a model, with MMPose's arguments. Prints a table and writes it to test.json in the work dir."""

import argparse
from pathlib import Path
from typing import Optional, Sequence

from .command import build_parser, run_command, warn_of_unused_gpu
from .run_arguments import add_run_arguments, load_config


def make_parser() -> argparse.ArgumentParser:
    parser = build_parser(__doc__, 'test')
    parser.add_argument('config', help='config file, or the name or alias of a model')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--out', metavar='FILE', help='also write the metrics to this JSON file')
    parser.add_argument('--dump', metavar='FILE', help='dump the predictions to a pickle (.pkl)')
    parser.add_argument('--badcase', action='store_true', help='analyze bad cases (default_hooks.badcase)')
    add_run_arguments(parser)
    return parser


def run(args: argparse.Namespace) -> None:
    from mmengine.dist import is_main_process

    from clamp_mmpose.engine.launch import build_runner, limit_threads, shut_down_distributed
    from clamp_mmpose.utils.files import atomic_write, check_writable, to_json, without_nan

    if args.dump and not args.dump.endswith(('.pkl', '.pickle')):
        raise ValueError(f'--dump writes a pickle: expected a file name that ends in .pkl, got {args.dump}.')
    for path in filter(None, (args.out, args.dump)):
        check_writable(path)
    cfg = load_config(args)
    cfg.load_from = args.checkpoint
    for part in ('dataloader', 'cfg', 'evaluator'):
        cfg[f'val_{part}'] = None
    # a config for inference has a train_dataloader, for its metainfo, but no optimizer
    cfg.train_dataloader = cfg.train_cfg = cfg.optim_wrapper = cfg.param_scheduler = None
    if args.badcase:
        cfg.default_hooks.badcase.enable = True
    if args.dump:
        evaluators = cfg.test_evaluator if isinstance(cfg.test_evaluator, (list, tuple)) else [cfg.test_evaluator]
        cfg.test_evaluator = [*evaluators, dict(type='DumpResults', out_file_path=args.dump)]

    warn_of_unused_gpu()
    limit_threads(cfg)
    metrics = build_runner(cfg).test()
    main_process = is_main_process()
    shut_down_distributed()
    if not main_process:
        return
    metrics = {name: float(value) for name, value in metrics.items()}
    width = max(map(len, metrics))
    print(f'\n{args.config}, {args.checkpoint}')
    for name, value in metrics.items():
        print(f'{name:<{width}}  {value:8.4f}')
    for path in filter(None, (Path(cfg.work_dir) / 'test.json', args.out and Path(args.out))):
        content = dict(config=args.config, checkpoint=args.checkpoint, metrics=metrics)
        atomic_write(path, to_json(without_nan(content), 'metrics', 2).encode())
        print(f'Wrote {path}.')


def main(argv: Optional[Sequence[str]] = None) -> int:
    return run_command(make_parser(), run, argv)
