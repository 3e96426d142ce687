"""Score a model zero-shot on activities, ages and emotions (FocusCLIP, Table 1); writes Markdown and JSON."""

import argparse
import functools
import warnings
from pathlib import Path

import torch
from mmengine.config import DictAction
from rich.console import Console
from rich.progress import track

import clamp_mmpose  # noqa: F401  (registers models and data sets)
from clamp_mmpose.apis.zero_shot import run_zero_shot


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'config',
        help='config of FocusCLIP or CLAMP, or open_clip://ARCH/TAG, such as open_clip://ViT-B-16-quickgelu/openai',
    )
    parser.add_argument('checkpoint', nargs='?', help='checkpoint file; CLAMP without one is scored as CLIP')
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
        help='"ensemble" for several wordings, or templates of your own with {} for the class',
    )
    parser.add_argument('--out-dir', help='default: work_dirs/zero_shot/CONFIG NAME')
    parser.add_argument('--resume', action='store_true', help='keep the data sets that have been scored already')
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        default={},
        metavar='KEY=VALUE',
        help='override settings, e.g. test_dataloader.dataset.tasks.utkface.data_root=FOLDER',
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    warnings.simplefilter('ignore')  # MMPose's and PyTorch's, about themselves
    templates = 'ensemble' if args.templates == ['ensemble'] else args.templates
    name = Path(args.config).stem if '://' not in args.config else args.config.split('://')[1].replace('/', '_')
    out_dir = args.out_dir or str(Path('work_dirs', 'zero_shot', name))
    progress = functools.partial(track, console=Console(stderr=True))  # standard output holds the table alone
    try:
        table = run_zero_shot(
            args.config,
            args.checkpoint,
            out_dir,
            args.tasks,
            templates,
            args.device,
            args.resume,
            args.cfg_options,
            progress,
        )
    except (OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None
    print(f'{table}\n\nWrote {out_dir}/zero_shot.md and .json.')


if __name__ == '__main__':
    main()
