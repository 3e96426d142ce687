"""Test a model zero-shot on activities, ages and emotions (FocusCLIP, Table 1); writes Markdown and JSON."""

import argparse
import functools
import sys
import warnings
from pathlib import Path
from typing import Optional, Sequence

from .command import add_cfg_options, build_parser, device, run_command


def make_parser() -> argparse.ArgumentParser:
    parser = build_parser(__doc__, 'zero-shot')
    parser.add_argument(
        'config',
        help='config of FocusCLIP or CLAMP, its name or alias, or open_clip://ARCH/TAG, such as open_clip://ViT-B-16-quickgelu/openai',
    )
    parser.add_argument(
        'checkpoint', nargs='?', help='checkpoint file; without one CLAMP is tested with its CLIP weights'
    )
    parser.add_argument(
        '--tasks',
        nargs='+',
        metavar='NAME',
        help='data sets: stanford40 emotic_age lagenda_body lagenda_face utkface emotic_emotion '
        'fer_plus, or those of the config; default: all',
    )
    parser.add_argument(
        '--templates',
        nargs='+',
        metavar='TEXT',
        help='"ensemble" for the built-in list, or templates with {} for the class',
    )
    parser.add_argument('--out-dir', help='default: work_dirs/zero_shot/CONFIG NAME')
    parser.add_argument('--resume', action='store_true', help='skip data sets that already have results')
    parser.add_argument('--device', type=device, help='default: cuda if available, else cpu')
    add_cfg_options(parser, 'test_dataloader.dataset.tasks.utkface.data_root=FOLDER')
    return parser


def run(args: argparse.Namespace) -> int:
    import torch
    from rich.console import Console
    from rich.progress import track

    from clamp_mmpose.apis.zero_shot import run_zero_shot
    from clamp_mmpose.datasets.files.images import silence_opencv
    from clamp_mmpose.utils.files import read_json

    silence_opencv()
    warnings.simplefilter('ignore')  # MMPose and PyTorch trigger them
    templates = 'ensemble' if args.templates == ['ensemble'] else args.templates
    name = Path(args.config).stem if '://' not in args.config else args.config.split('://')[1].replace('/', '_')
    out_dir = args.out_dir or str(Path('work_dirs', 'zero_shot', name))
    table = run_zero_shot(
        args.config,
        args.checkpoint,
        out_dir,
        args.tasks,
        templates,
        args.device or ('cuda' if torch.cuda.is_available() else 'cpu'),
        args.resume,
        args.cfg_options,
        functools.partial(track, console=Console(stderr=True)),  # standard output holds only the table
    )
    print(f'{table}\n\nWrote {out_dir}/zero_shot.md and .json.')
    details = read_json(Path(out_dir) / 'zero_shot.json', 'results', 'run again')['details']
    faults = [fault for detail in details.values() for fault in detail['fault_examples']]
    unreadable = sum(detail['faults'] for detail in details.values())
    if unreadable:
        print(
            f'{unreadable} images could not be read and were not scored, such as: {faults[0]["reason"]}',
            file=sys.stderr,
        )
    return 1 if unreadable else 0


def main(argv: Optional[Sequence[str]] = None) -> int:
    return run_command(make_parser(), run, argv)
