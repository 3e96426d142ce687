"""Import labels made with another tool: images, annotations and metainfo that MMPose trains on. Then check them."""

import argparse
import functools
from pathlib import Path
from typing import Optional, Sequence

from .check_dataset import print_findings, summary
from .command import build_parser, positive_int, run_command, whole_number

# the readers are not imported for the help
TOOLS = ('deeplabcut', 'sleap', 'label-studio', 'cvat', 'coco', 'yolo')


def fraction(text: str) -> float:
    """Type of an argument: a number between 0 and 1."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 < number < 1:
        raise argparse.ArgumentTypeError(f'{text!r}, expected a number between 0 and 1')
    return number


def make_parser() -> argparse.ArgumentParser:
    parser = build_parser(__doc__, 'import')
    parser.add_argument('source', help="the tool's project or export: a folder or a file")
    parser.add_argument(
        '--out', required=True, metavar='DIR', help='folder to write, or of an earlier import: adds to it'
    )
    parser.add_argument('--kind', choices=TOOLS, help='the tool (default: recognized)')
    parser.add_argument(
        '--category', metavar='NAME', help='what is labeled, such as mouse; of several in a file, which'
    )
    parser.add_argument('--images', nargs='+', default=[], metavar='DIR', help='where to look for images')
    parser.add_argument('--labeler', metavar='NAME', help='use only the labels of this person')
    parser.add_argument(
        '--split',
        choices=('auto', 'video', 'image'),
        default='auto',
        help='validate on whole videos or on any images (default: videos if there are at least five)',
    )
    parser.add_argument(
        '--val', type=fraction, default=0.2, metavar='FRACTION', help='of the images, for validation (default: 0.2)'
    )
    parser.add_argument('--seed', type=whole_number, default=0, help='random seed of the split (default: 0)')
    parser.add_argument(
        '--every', type=positive_int, default=1, metavar='N', help='of each video, take each N-th labeled image'
    )
    parser.add_argument('--predictions', action='store_true', help='take what a model predicted as labels, too')
    parser.add_argument('--copy', action='store_true', help='copy the images instead of linking them')
    parser.add_argument('--no-check', action='store_true', help='do not run the data check')
    return parser


def print_report(report, source: str) -> None:
    """Print what was imported."""
    folder = report.folder
    print(f'{source} -> {folder.path}: {report.added:,} images added, {report.replaced:,} replaced')
    width = max(len(name) for name in report.spelled)
    partner = {swap.first: swap for swap in report.swaps}
    print('Keypoints:')
    for i, (spelled, name) in enumerate(zip(report.spelled, folder.names)):
        swap = f'   <-> {folder.names[partner[i].second]} (from {partner[i].origin})' if i in partner else ''
        print(f'  {spelled:<{width}}  {name}{swap}')
    if not report.swaps:
        print('No left/right pairs: if there are some, set swap in metainfo.py.')
    print(f'Sigmas: {report.sigmas}')
    counts = folder.record['counts']
    print(
        'Split: '
        + ', '.join(f'{part} {count["images"]:,} images' for part, count in sorted(counts.items()))
        + f' ({report.split})'
    )
    for note in report.notes:
        print(f'Note: {note}')


def check(folder: Path):
    """The report of the data check of a folder that an import wrote."""
    from mmengine.config import Config

    from clamp_mmpose.data_check.check import check_config

    def loader(part: str) -> dict:
        return dict(
            dataset=dict(
                type='CocoDataset',
                data_root=str(folder),
                ann_file=f'annotations/{part}.json',
                data_prefix=dict(img='images/'),
                metainfo=dict(from_file=str(folder / 'metainfo.py')),
            )
        )

    cfg = Config(dict(train_dataloader=loader('train'), val_dataloader=loader('val')))
    return check_config(cfg)


def run(args: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.progress import track

    from clamp_mmpose.datasets.imports import ReadOptions, import_project, read_project

    folders = tuple(Path(folder) for folder in args.images)
    project = read_project(args.source, args.kind, ReadOptions(args.category, folders, args.predictions))
    report = import_project(
        project,
        args.source,
        args.out,
        args.category,
        args.split,
        args.val,
        args.seed,
        args.labeler,
        args.every,
        args.images,
        args.copy,
        functools.partial(track, console=Console(stderr=True)),
    )
    print_report(report, args.source)
    if args.no_check:
        return 0
    checked = check(Path(args.out))
    print_findings(checked.findings)
    print(summary(checked))
    return int(any(finding.level == 'error' for finding in checked.findings))


def main(argv: Optional[Sequence[str]] = None) -> int:
    return run_command(make_parser(), run, argv)
