"""Write a config that trains on a data folder of 'clamp-mmpose import', and print the next commands."""

import argparse
import shlex
from pathlib import Path
from typing import Optional, Sequence

from .command import build_parser, run_command, warn_of_unused_gpu

# clamp_mmpose.apis.own_data would import MMPose for the help
METHODS = ('clamp', 'text-query', 'cape-llm')
SIZES = ('fast', 'accurate')
DEVICES = ('cuda', 'mps', 'cpu')


def make_parser() -> argparse.ArgumentParser:
    parser = build_parser(__doc__, 'new-config')
    parser.add_argument('data', help='data folder: images/, annotations/train.json, val.json and metainfo.py')
    parser.add_argument(
        '--method',
        choices=METHODS,
        default='clamp',
        help='clamp: heatmaps; text-query: may be asked for other keypoints by their names; cape-llm: a language model '
        '(default: %(default)s)',
    )
    parser.add_argument(
        '--size',
        choices=SIZES,
        default='fast',
        help='fast: minutes on two CPU cores; accurate: larger images, more iterations (default: %(default)s)',
    )
    parser.add_argument('--device', choices=DEVICES, help='to train on (default: what this machine has)')
    parser.add_argument('--out', metavar='FILE', help='default: configs/own/NAME_METHOD_SIZE.py')
    return parser


def run(args: argparse.Namespace) -> None:
    from clamp_mmpose.apis.own_data import choose_settings, config_text, read_summary
    from clamp_mmpose.utils.devices import best_device
    from clamp_mmpose.utils.files import atomic_write

    if args.device is None:
        warn_of_unused_gpu()
    data = read_summary(args.data)
    settings = choose_settings(data, args.method, args.size, args.device or best_device())
    name = '_'.join([*data.folder.resolve().name.split(), *args.method.split('-'), args.size])
    out = Path(args.out or Path('configs', 'own', f'{name}.py'))
    if out.suffix != '.py':
        raise ValueError(f'--out {out}: a config is a Python file, so its name must end in .py.')
    if out.exists():
        raise FileExistsError(f'{out} exists: remove it, or give another file as --out.')
    atomic_write(out, config_text(data, settings).encode())
    width, height = settings.input_size
    print(
        f'Wrote {out}: {settings.iterations:,} iterations of {settings.batch_size} images of {width}x{height} pixels, '
        f'turned by up to {settings.rotation:g} degrees, on {settings.device}.'
    )
    if not settings.whole_images:
        print('Most images have several instances: predictions will need boxes (--bboxes or --det-model).')
    elif data.box_share < 0.1:
        print(f'Boxes are only {data.box_share:.0%} of the images: predictions may need boxes (--bboxes).')
    work_dir = Path('work_dirs', out.stem)
    checkpoint = work_dir / f'iter_{settings.iterations}.pth'
    config, work_dir, checkpoint = (shlex.quote(str(path)) for path in (out, work_dir, checkpoint))
    print(f'Next:\n  clamp-mmpose train {config}')
    print(f'then:\n  clamp-mmpose report {work_dir}\n  clamp-mmpose predict {config} {checkpoint} VIDEO_OR_IMAGES')


def main(argv: Optional[Sequence[str]] = None) -> int:
    return run_command(make_parser(), run, argv)
