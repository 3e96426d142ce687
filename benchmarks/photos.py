"""The benchmark on photographs: 'train' runs its trainings, 'table' shows the results, docs/benchmarks.md has them.

The data are those of configs/_base_/data/real_small.py: CLAMP_MMPOSE_DATA names the folder with real_small.
"""

import argparse
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Dict, List, Optional, Sequence

from benchmarks.photo_tables import tables
from benchmarks.photo_trials import CONFIGS, PARTS, Trial, all_trials, data_folder, run_trial, trial_config
from clamp_mmpose.cli.command import add_cfg_options, add_debug, build_parser, positive_int, run_command, whole_number
from clamp_mmpose.language.category_texts import load_texts
from clamp_mmpose.utils.files import atomic_write


def train(args: argparse.Namespace) -> Optional[int]:
    """Run all trainings that have no result yet, some at a time, one process each."""
    trials = [trial for trial in selected(args) if not result_file(args.out_dir, trial).is_file()]
    print(f'{len(trials)} trainings to run, {args.jobs} at a time; logs and results: {args.out_dir}', flush=True)
    if args.list:
        print('\n'.join(trial.name for trial in trials))
        return None
    start = time.perf_counter()
    with ThreadPoolExecutor(args.jobs) as pool:
        codes = pool.map(partial(_in_a_process, args, start), trials)
        failed = [trial.name for trial, code in zip(trials, codes) if code]
    if failed:
        print(f'{len(failed)} failed, see their log.txt: {", ".join(failed)}', file=sys.stderr)
    return 1 if failed else None


def one(args: argparse.Namespace) -> None:
    """Run one training in this process."""
    (trial,) = [trial for trial in selected(args) if trial.name == args.name]
    cfg = trial_config(trial, args.out_dir / trial.name, args.iters, args.size, args.keep)
    cfg.merge_from_dict(args.cfg_options)
    run_trial(cfg, trial, result_file(args.out_dir, trial))


def table(args: argparse.Namespace) -> None:
    """Make the tables of all results in a folder."""
    text = tables(args.out_dir, data_folder())
    if args.out:
        atomic_write(Path(args.out), text.encode())
    print(text)


def selected(args: argparse.Namespace) -> List[Trial]:
    """The trainings that the arguments name, in order."""
    slugs = [own.slug for own in load_texts(data_folder() / 'categories.json').values()]
    few_shot = [slug for slug in args.few_shot or ('person', 'fly') if slug in slugs] or slugs[:2]
    trials = all_trials(slugs, args.parts, args.seeds, few_shot, args.shots)
    return [
        trial
        for trial in trials
        if trial.method in args.methods
        and (not args.categories or (trial.category or trial.without or '') in (*args.categories, ''))
    ]


def result_file(out_dir: Path, trial: Trial) -> Path:
    """Where the result of a training is written."""
    return out_dir / f'{trial.name}.json'


def _in_a_process(args: argparse.Namespace, start: float, trial: Trial) -> int:
    """Run a training in a process of its own, which writes to ``log.txt`` of its folder."""
    folder = args.out_dir / trial.name
    folder.mkdir(parents=True, exist_ok=True)
    environment: Dict[str, str] = dict(os.environ, OMP_NUM_THREADS=str(args.threads))
    if args.device == 'cpu':
        environment['CUDA_VISIBLE_DEVICES'] = ''
    root = str(Path(__file__).parents[1])
    environment['PYTHONPATH'] = os.pathsep.join(filter(None, [root, environment.get('PYTHONPATH')]))
    command = [sys.executable, __file__, 'one', trial.name, *args.given]
    with (folder / 'log.txt').open('w') as log:
        code = subprocess.run(command, env=environment, stdout=log, stderr=subprocess.STDOUT).returncode
    print(f'{time.perf_counter() - start:6.0f} s  {trial.name}{f" failed ({code})" if code else ""}', flush=True)
    return code


def make_parser() -> argparse.ArgumentParser:
    parser = build_parser(str(__doc__))
    kinds = parser.add_subparsers(dest='kind', required=True)
    for kind, run in (('train', train), ('one', one)):
        command = kinds.add_parser(kind, help=run.__doc__)
        command.set_defaults(run=run)
        add_debug(command)
        if kind == 'one':
            command.add_argument('name', help='of the training, as "train --list" shows it')
        command.add_argument('--out-dir', type=Path, default=Path('work_dirs/photos'), help='default: %(default)s')
        command.add_argument('--parts', nargs='+', choices=PARTS, default=list(PARTS))
        command.add_argument('--methods', nargs='+', choices=list(CONFIGS), default=list(CONFIGS))
        command.add_argument('--categories', nargs='+', metavar='NAME', help='default: all')
        command.add_argument('--seeds', nargs='+', type=whole_number, default=[0, 1, 2])
        command.add_argument(
            '--few-shot', nargs='+', metavar='NAME', help='categories (default: person and fly, or the first two)'
        )
        command.add_argument('--shots', nargs='+', type=positive_int, default=[5, 20, 80], help='default: 5 20 80')
        command.add_argument('--iters', type=positive_int, help='batches of a training (default: as in the configs)')
        command.add_argument('--size', type=positive_int, help='of the network input (default: as in the configs)')
        command.add_argument('--keep', action='store_true', help='keep the last checkpoint of each training')
        command.add_argument('--jobs', type=positive_int, default=1, help='trainings at a time')
        command.add_argument('--threads', type=positive_int, default=1, help='CPU threads of each training')
        command.add_argument('--device', choices=('auto', 'cpu'), default='auto', help='auto: a GPU if there is one')
        command.add_argument('--list', action='store_true', help='show the trainings and stop')
        add_cfg_options(command, 'optim_wrapper.optimizer.lr=4e-4')
    command = kinds.add_parser('table', help=table.__doc__)
    command.set_defaults(run=table)
    add_debug(command)
    command.add_argument('--out-dir', type=Path, default=Path('work_dirs/photos'), help='default: %(default)s')
    command.add_argument('--out', metavar='FILE', help='also write the tables to this file')
    return parser


def run(args: argparse.Namespace) -> Optional[int]:
    return args.run(args)


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = make_parser()
    given = list(sys.argv[1:] if argv is None else argv)
    parser.set_defaults(given=given[1:])  # a process of its own gets the same arguments
    return run_command(parser, run, given)


if __name__ == '__main__':
    raise SystemExit(main())
