"""Write conversations that ask for keypoints, and name them as text, from any data set (LLaVA* of ChatPose)."""

import argparse
from typing import Optional, Sequence

from .command import add_cfg_options, build_parser, positive_float, positive_int, run_command


def make_parser() -> argparse.ArgumentParser:
    parser = build_parser(__doc__ or '', 'keypoint-records')
    parser.add_argument('config', help='config file with facts, as for tools/make_texts.py')
    parser.add_argument('--out', required=True, metavar='FILE', help='.jsonl or .json, for InstructionDataset')
    parser.add_argument(
        '--margin',
        type=positive_float,
        default=1.2,
        help="side of the square around a person, in lengths of the box's longer side (default: %(default)s)",
    )
    parser.add_argument('--limit', type=positive_int, metavar='N', help='only the first N images')
    add_cfg_options(parser, 'facts.dataset.data_root=FOLDER')
    return parser


def run(args: argparse.Namespace) -> None:
    from pathlib import Path

    from clamp_mmpose.apis.model_zoo import read_config
    from clamp_mmpose.datasets.instructions.keypoint_records import keypoint_records
    from clamp_mmpose.llm.tasks.records import check_suffix, write_records
    from clamp_mmpose.utils.files import check_writable

    from .make_texts import counted, read_annotations

    out = Path(args.out)
    check_suffix(out)
    check_writable(out)
    facts = read_config(args.config, args.cfg_options).get('facts')
    if not isinstance(facts, dict):
        raise ValueError(f'config {args.config} has no facts, see configs/texts.')
    read = read_annotations(dict(facts), args.limit)
    records, dropped = keypoint_records(read.images, args.margin)
    print(f'{len(read.images):,} images{counted({**read.dropped, **dropped}, [])}')
    if not records:
        raise ValueError(f'no keypoint is visible: {out} is not written.')
    write_records(out, records)
    print(f'wrote {len(records):,} records to {out}')


def main(argv: Optional[Sequence[str]] = None) -> int:
    return run_command(make_parser(), run, argv)
