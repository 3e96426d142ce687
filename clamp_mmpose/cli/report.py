"""Test a trained model and write one HTML file: tables with intervals, curves, and the images where it fails."""

import argparse
from pathlib import Path
from typing import Optional, Sequence

from .command import add_cfg_options, build_parser, run_command


def make_parser() -> argparse.ArgumentParser:
    parser = build_parser(__doc__, 'report')
    parser.add_argument('work_dir', type=Path, help='folder of a training, such as work_dirs/NAME')
    parser.add_argument('--checkpoint', metavar='FILE', help='default: the best one of the folder, or else the last')
    parser.add_argument(
        '--split', choices=['val', 'test'], default='val', help='data of the config (default: %(default)s)'
    )
    parser.add_argument('--out', type=Path, metavar='FILE', help='the HTML file (default: WORK_DIR/report.html)')
    add_cfg_options(parser, 'val_dataloader.batch_size=16')
    return parser


def run(args: argparse.Namespace) -> None:
    from clamp_mmpose.apis.report import find_run, write_report

    out = args.out or args.work_dir / 'report.html'
    trained = find_run(args.work_dir, args.checkpoint, args.cfg_options)
    metrics = write_report(trained, out, args.split).metrics
    print(f'\n{trained.checkpoint}, {args.split} data')
    for name in ('pck/PCK@0.05', 'pck/PCK@0.1', 'pck/PCK@0.2', 'coco/AP'):
        if name in metrics:
            ends = (
                f'  ({metrics[f"{name}_low"]:.3f} to {metrics[f"{name}_high"]:.3f})' if f'{name}_low' in metrics else ''
            )
            print(f'{name:<12}  {metrics[name]:.3f}{ends}')
    print(f'Wrote {out}.')


def main(argv: Optional[Sequence[str]] = None) -> int:
    return run_command(make_parser(), run, argv)
