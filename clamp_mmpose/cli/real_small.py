"""Assemble the photographs of real_small from clones of the public repositories that hold them."""

import argparse
from pathlib import Path
from typing import Optional, Sequence

from .command import build_parser, run_command, whole_number

PLAN = Path(__file__).parents[2] / 'tools/datasets/real_small.json'


def make_parser() -> argparse.ArgumentParser:
    parser = build_parser(str(__doc__), 'real-small')
    parser.add_argument('sources', nargs='?', type=Path, help='folder with the clones; absent ones are left out')
    parser.add_argument(
        '--out', type=Path, default=Path('data/real_small'), help='output folder (default: %(default)s)'
    )
    parser.add_argument('--plan', type=Path, default=PLAN, help='texts and names of images (default: tools/datasets)')
    parser.add_argument('--seed', type=whole_number, default=0, help='of images that are drawn (default: 0)')
    parser.add_argument('--list', action='store_true', help='show the commands that get the repositories, and stop')
    return parser


def run(args: argparse.Namespace) -> None:
    from clamp_mmpose.datasets.photos.real_small import assemble
    from clamp_mmpose.utils.files import read_json

    if args.list:
        for entry in read_json(args.plan, 'plan', 'give its path', expected=list):
            for url in entry['repositories']:
                print(f'{entry["texts"]["name"]}: git clone {url["url"]}  # {url["commit"]}; {url["license"]}')
        return
    if args.sources is None:
        raise ValueError('give the folder with the clones of the repositories; --list shows how to get them.')
    for one in assemble(args.plan, args.sources, args.out, args.seed):
        counts = ', '.join(f'{number} {part}' for part, number in one.images.items())
        print(f'{one.category}: {counts}' + (f'; {one.missing} images of the plan not found' if one.missing else ''))
    print(f'Wrote {args.out}.')


def main(argv: Optional[Sequence[str]] = None) -> int:
    return run_command(make_parser(), run, argv)
