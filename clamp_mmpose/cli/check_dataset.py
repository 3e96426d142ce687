"""Check the data sets of a config before training: annotations, texts and every image. Exits with 1 on errors."""

import argparse
import functools
from collections import Counter
from pathlib import Path
from typing import Optional, Sequence

from .command import add_cfg_options, build_parser, positive_int, run_command

LEVELS = ('error', 'warning', 'info')
SHOWN = 5


class PrintRules(argparse.Action):
    """Print the tables of ``docs/data_check.md``."""

    def __call__(self, parser, *_) -> None:
        from clamp_mmpose.data_check.rules import rules_as_markdown

        print(rules_as_markdown())
        parser.exit()


def make_parser() -> argparse.ArgumentParser:
    parser = build_parser(__doc__, 'check')
    parser.add_argument('config', help='config file, or the name or alias of a model')
    add_cfg_options(parser, 'train_dataloader.dataset.data_root=data/')
    parser.add_argument('--no-images', action='store_true', help='do not open the images')
    parser.add_argument('--workers', type=positive_int, metavar='N', help='threads that decode images')
    parser.add_argument('--json', metavar='FILE', help='write all findings to this file')
    parser.add_argument('--rules', action=PrintRules, nargs=0, help='print all rules with their codes, and exit')
    return parser


def print_findings(findings: list) -> None:
    """Print the findings grouped by rule, errors first, with the first few cases of each."""
    groups = {}
    for finding in sorted(findings, key=lambda finding: LEVELS.index(finding.level)):
        groups.setdefault((finding.rule, finding.where), []).append(finding)
    for (rule, where), group in groups.items():
        print(f'{rule.level:<7}  {len(group):7,}  {rule.code} {rule.text}' + (f'\n{"":18}in {where}' if where else ''))
        for finding in group[:SHOWN]:
            print(f'{"":20}{finding.item}' + (f': {finding.detail}' if finding.detail else ''))
        if len(group) > SHOWN:
            print(f'{"":20}and {len(group) - SHOWN:,} more')
        print(f'{"":18}-> {rule.remedy}')


def print_categories(findings: list) -> None:
    """Print how often each rule was violated in each category of MP-100, worst category first."""
    counts = {}
    for finding in findings:
        if finding.category:
            counts.setdefault(finding.category, Counter())[finding.text] += 1
    if counts:
        print('By category:')
    for category, kinds in sorted(counts.items(), key=lambda item: -sum(item[1].values())):
        print(
            f'  {category:<{max(map(len, counts))}}  '
            + ', '.join(f'{what} {count:,}' for what, count in kinds.most_common())
        )


def summary(report) -> str:
    def counted(number: int, noun: str) -> str:
        return f'{number:,} {noun}' + ('' if number == 1 else 's')

    errors, warnings = (sum(finding.level == level for finding in report.findings) for level in LEVELS[:2])
    return (
        f'{counted(errors, "error")}, {counted(warnings, "warning")} in {counted(report.datasets, "data set")} '
        f'({counted(report.images, "image")}, {counted(report.instances, "instance")})'
    )


def run(args: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.progress import track

    from clamp_mmpose.apis.model_zoo import read_config
    from clamp_mmpose.data_check.check import check_config
    from clamp_mmpose.engine.conversations import check_conversations
    from clamp_mmpose.utils.files import atomic_write, check_writable, to_json

    if args.json:
        check_writable(args.json)
    cfg = read_config(args.config, args.cfg_options)
    # standard output holds only the findings
    progress = functools.partial(track, console=Console(stderr=True))
    report = check_config(cfg, not args.no_images, args.workers, progress)
    report.findings.extend(check_conversations(cfg))
    print_findings(report.findings)
    print_categories(report.findings)
    if args.json:
        content = [finding.as_dict() for finding in report.findings]
        atomic_write(Path(args.json), to_json(content, 'findings', 2).encode())
    print(summary(report))
    return int(any(finding.level == 'error' for finding in report.findings))


def main(argv: Optional[Sequence[str]] = None) -> int:
    return run_command(make_parser(), run, argv)
