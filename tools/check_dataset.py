"""Check the data sets of a config before training: annotations, metainfo and every image. Exits with 1 on errors."""

import argparse
import functools
import json
from collections import Counter
from pathlib import Path
from typing import List

from mmengine.config import Config, DictAction
from rich.console import Console
from rich.progress import track

import clamp_mmpose  # noqa: F401  (registers the data sets)
from clamp_mmpose.data_check.check import CheckReport, Finding, examine_config

LEVELS = ('error', 'warning', 'info')
SHOWN = 5


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        default={},
        metavar='KEY=VALUE',
        help='override settings of the config, e.g. train_dataloader.dataset.data_root=data/',
    )
    parser.add_argument('--no-images', action='store_true', help='do not open the images')
    parser.add_argument('--workers', type=int, metavar='N', help='threads that decode images')
    parser.add_argument('--json', metavar='FILE', help='write every finding to this file')
    return parser.parse_args()


def print_findings(findings: List[Finding]) -> None:
    """Grouped by kind, worst first, with the first few cases of each."""
    groups = {}
    for finding in sorted(findings, key=lambda finding: LEVELS.index(finding.level)):
        groups.setdefault((finding.level, finding.what, finding.where), []).append(finding)
    for (level, what, where), group in groups.items():
        print(f'{level:<7}  {len(group):7,}  {what}\n{"":18}in {where}')
        for finding in group[:SHOWN]:
            print(f'{"":20}{finding.item}' + (f': {finding.detail}' if finding.detail else ''))
        if len(group) > SHOWN:
            print(f'{"":20}and {len(group) - SHOWN:,} more')
        print(f'{"":18}-> {group[0].remedy}')


def print_categories(findings: List[Finding]) -> None:
    """How often each kind was found in each category of MP-100, the worst category first."""
    counts = {}
    for finding in findings:
        if finding.category:
            counts.setdefault(finding.category, Counter())[finding.what] += 1
    if counts:
        print('By category:')
    for category, kinds in sorted(counts.items(), key=lambda item: -sum(item[1].values())):
        print(
            f'  {category:<{max(map(len, counts))}}  '
            + ', '.join(f'{what} {count:,}' for what, count in kinds.most_common())
        )


def summary(report: CheckReport) -> str:
    def counted(number: int, noun: str) -> str:
        return f'{number:,} {noun}' + ('' if number == 1 else 's')

    errors, warnings = (sum(finding.level == level for finding in report.findings) for level in LEVELS[:2])
    return (
        f'{counted(errors, "error")}, {counted(warnings, "warning")} in {counted(report.datasets, "data set")} '
        f'({counted(report.images, "image")}, {counted(report.instances, "instance")})'
    )


def main() -> int:
    args = parse_args()
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options)
    # not on standard output, which holds the findings alone
    progress = functools.partial(track, console=Console(stderr=True))
    report = examine_config(cfg, not args.no_images, args.workers, progress)
    print_findings(report.findings)
    print_categories(report.findings)
    if args.json:
        Path(args.json).write_text(json.dumps([finding._asdict() for finding in report.findings], indent=2))
    print(summary(report))
    return int(any(finding.level == 'error' for finding in report.findings))


if __name__ == '__main__':
    raise SystemExit(main())
