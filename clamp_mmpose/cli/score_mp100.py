"""Score any model's predictions on MP-100, or on files in its format, and print a table of all categories."""

import argparse
from typing import Optional, Sequence

from .command import build_parser, positive_int, run_command


def make_parser() -> argparse.ArgumentParser:
    parser = build_parser(__doc__, 'score-mp100')
    parser.add_argument('--ann', required=True, metavar='FILE', help='annotations, such as mp100_split1_test.json')
    parser.add_argument(
        '--predictions',
        required=True,
        metavar='FILE',
        help='JSON {annotation id: [[x, y], ...]}, in pixels of the original image',
    )
    parser.add_argument(
        '--protocol',
        required=True,
        choices=['pairs', 'query_only'],
        help='pairs: the published episodes; query_only: each instance once',
    )
    parser.add_argument(
        '--episodes',
        type=positive_int,
        default=200,
        metavar='N',
        help='per category, for pairs; published: 200 on test (the default), 100 on val',
    )
    parser.add_argument(
        '--empty',
        choices=['zero', 'skip'],
        default='zero',
        help='whether a pair without a common visible keypoint counts as 0, as published (the default), or is skipped',
    )
    parser.add_argument(
        '--missing',
        choices=['error', 'skip'],
        default='error',
        help='whether annotations without a prediction are an error (the default) or are skipped',
    )
    parser.add_argument('--json', metavar='OUT', help='write the scores to this file')
    return parser


def run(args: argparse.Namespace) -> None:
    from clamp_mmpose.evaluation.mp100.score_file import score_file

    print(score_file(args.ann, args.predictions, args.protocol, args.episodes, args.empty, args.missing, args.json))


def main(argv: Optional[Sequence[str]] = None) -> int:
    return run_command(make_parser(), run, argv)
