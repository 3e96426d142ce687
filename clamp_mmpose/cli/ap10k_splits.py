"""Write AP-10K's few-shot and family subsets (CLAMP, Tables 2, 3 and 10) from its official annotation files."""

import argparse
from typing import Optional, Sequence

from .command import build_parser, positive_int, run_command, whole_number


def make_parser() -> argparse.ArgumentParser:
    parser = build_parser(__doc__, 'ap10k-splits')
    parser.add_argument('annotation_dir', help='folder with ap10k-train-split1.json and ap10k-val-split1.json')
    parser.add_argument('--out-dir', metavar='DIR', help='output folder (default: ANNOTATION_DIR)')
    parser.add_argument('--shots', type=positive_int, default=20, help='number of instances per species (default: 20)')
    parser.add_argument('--seed', type=whole_number, default=0, help='random seed of the sampling (default: 0)')
    parser.add_argument('--split', type=positive_int, default=1, help="number of AP-10K's split (default: 1)")
    return parser


def run(args: argparse.Namespace) -> None:
    from clamp_mmpose.datasets.subsets import counts_table, write_ap10k_splits

    counts = write_ap10k_splits(args.annotation_dir, args.out_dir, args.shots, args.seed, args.split)
    print(counts_table(counts))
    print(f'Wrote the last {len(counts) - 2} files to {counts[-1].path.parent}.')


def main(argv: Optional[Sequence[str]] = None) -> int:
    return run_command(make_parser(), run, argv)
