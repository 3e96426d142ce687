"""Print a config merged with its base configs."""

import argparse
from typing import Optional, Sequence

from .command import add_cfg_options, build_parser, run_command


def make_parser() -> argparse.ArgumentParser:
    parser = build_parser(__doc__, 'print-config')
    parser.add_argument('config', help='config file, or the name or alias of a model')
    add_cfg_options(parser, 'train_dataloader.batch_size=16')
    return parser


def run(args: argparse.Namespace) -> None:
    from clamp_mmpose.apis.model_zoo import read_config

    print(read_config(args.config, args.cfg_options).pretty_text)


def main(argv: Optional[Sequence[str]] = None) -> int:
    return run_command(make_parser(), run, argv)
