"""Write random subsets of COCO's training images with a labeled keypoint (CLAMP, Table 11)."""

import argparse
from typing import Optional, Sequence

from .command import build_parser, percentage, run_command, whole_number


def make_parser() -> argparse.ArgumentParser:
    parser = build_parser(__doc__, 'coco-subset')
    parser.add_argument('annotation_file', help='person_keypoints_train2017.json')
    parser.add_argument('--out-dir', metavar='DIR', help='output folder (default: that of ANNOTATION_FILE)')
    parser.add_argument(
        '--percent', type=percentage, nargs='+', default=[1, 2, 3, 5, 10], help='sizes (default: 1 2 3 5 10)'
    )
    parser.add_argument(
        '--seeds',
        type=whole_number,
        nargs='+',
        default=[0, 1, 2],
        help='random seeds, one subset each (default: 0 1 2)',
    )
    return parser


def run(args: argparse.Namespace) -> None:
    from clamp_mmpose.datasets.subsets import counts_table, write_coco_subsets

    counts = write_coco_subsets(args.annotation_file, args.out_dir, args.percent, args.seeds)
    print(counts_table(counts))
    print(f'Wrote the last {len(counts) - 1} files to {counts[-1].path.parent}.')


def main(argv: Optional[Sequence[str]] = None) -> int:
    return run_command(make_parser(), run, argv)
