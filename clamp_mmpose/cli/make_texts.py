"""Write texts about the images of a keypoint data set, or about 3D poses, with a language model or by rules."""

import argparse
import inspect
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence

from .asking import add_asking, run_asking
from .command import add_cfg_options, build_parser, run_command

if TYPE_CHECKING:
    from clamp_mmpose.llm.asked import Asked
    from clamp_mmpose.llm.tasks.counted_parse import CountedParse

SOURCES = ('facts', 'poses')
FIELDS = (*SOURCES, 'llm', 'tasks')
SHOWN = 10  # failures


def make_parser() -> argparse.ArgumentParser:
    parser = build_parser(__doc__ or '', 'texts')
    parser.add_argument('task', help='what is written, such as conversation, detail, reasoning or descriptions')
    parser.add_argument('config', help='config file with facts (or poses), llm and tasks, see configs/texts')
    parser.add_argument(
        '--out',
        required=True,
        metavar='FILE',
        help='the texts; FILE.journal.jsonl keeps every answer, so that a run that was stopped goes on, and '
        'FILE.provenance.jsonl says how each text was made',
    )
    add_asking(parser)
    add_cfg_options(parser, 'llm.model=gpt-4o-mini tasks.detail.pose_facts=True')
    return parser


def run(args: argparse.Namespace) -> int:
    from clamp_mmpose.apis.model_zoo import read_config
    from clamp_mmpose.llm.build import build_language_model
    from clamp_mmpose.llm.tasks.build import build_task
    from clamp_mmpose.llm.tasks.counted_parse import CountedParse
    from clamp_mmpose.llm.tasks.task import Made, unique_ids
    from clamp_mmpose.utils.files import atomic_write, to_json

    out = Path(args.out)
    sections = read_sections(read_config(args.config, args.cfg_options), args.config)
    task = build_task(args.task, **sections['tasks'].get(args.task, {}))
    task.check_path(out)
    model = build_language_model(sections['llm'])
    if not sections[task.source]:
        raise ValueError(f'config {args.config} has no {task.source}, which {args.task} needs: see configs/texts.')
    read = (read_annotations if task.source == 'facts' else read_poses)(sections[task.source], args.limit)
    unusable = [reason for reason in map(task.unusable, read.images) if reason]
    print(f'{len(read.images):,} {"images" if task.source == "facts" else "poses"}{counted(read.dropped, unusable)}')
    step, subjects, lines = task, read.images, []
    while True:
        requests = unique_ids(step.requests(subjects))
        parse = CountedParse(step)
        asked = run_asking(args, requests, model, beside(out, 'journal'), parse)
        if asked is None:
            if step.follow_up:
                print('then one request about each answer')
            return 0
        made = [
            Made(request, asked.values[request.id], asked.provenance[request.id])
            for request in requests
            if request.id in asked.values and request.id not in parse.rejected
        ]
        print_failures(asked, parse)
        if not made:
            print(f'no texts: {out} is not written')
            return 1
        lines += [to_json({'id': request.id, **provenance}, 'provenance') for request, _, provenance in made]
        if step.follow_up is None:
            break
        step, subjects = step.follow_up, made
    step.write(out, made)
    atomic_write(beside(out, 'provenance'), ''.join(f'{line}\n' for line in lines).encode())
    print(f'wrote {len(made):,} texts to {out}')
    return 0


def read_sections(cfg: Any, path: str) -> Dict[str, Dict[str, Any]]:
    """``facts``, ``poses``, ``llm`` and ``tasks`` of the config, checked; those that it lacks are empty."""
    from clamp_mmpose.llm.tasks.build import TASKS
    from clamp_mmpose.utils.choices import check_choice

    missing = 'llm' if 'llm' not in cfg else '' if any(name in cfg for name in SOURCES) else 'facts'
    if missing:
        raise ValueError(f'config {path} has no {missing}: expected {", ".join(FIELDS)}, see configs/texts.')
    sections = {name: cfg.get(name, {}) for name in FIELDS}
    for name, section in sections.items():
        if not isinstance(section, dict):
            raise ValueError(f'config {path}: {name} must be a dict, got {section!r:.60}.')
    sections = {
        name: section.to_dict() if hasattr(section, 'to_dict') else section for name, section in sections.items()
    }
    for name, options in sections['tasks'].items():
        check_choice('a name in tasks', name, list(TASKS))
        if not isinstance(options, dict):
            raise ValueError(f'config {path}: tasks.{name} must be a dict, got {options!r:.60}.')
    return sections


def read_annotations(facts: Dict[str, Any], limit: Optional[int]) -> Any:
    """The facts of a config's ``facts``, with ``--limit``."""
    from clamp_mmpose.datasets.instructions.read_facts import read_facts

    known = list(inspect.signature(read_facts).parameters)
    unknown = sorted(set(facts) - set(known))
    if unknown or 'dataset' not in facts:
        wrong = f'no field {", ".join(unknown)}' if unknown else 'no dataset'
        raise ValueError(f'facts of the config: there is {wrong}; expected {", ".join(known)}.')
    return read_facts(**{**facts, **({} if limit is None else dict(limit=limit))})


def read_poses(poses: Dict[str, Any], limit: Optional[int]) -> Any:
    """The samples of a config's ``poses``, a reader of 3D poses, with ``--limit``."""
    from mmpose.registry import DATASETS

    import clamp_mmpose.datasets.poses  # noqa: F401 (registers the readers)
    from clamp_mmpose.datasets.instructions.read_facts import FactsRead
    from clamp_mmpose.datasets.poses.pose_reader import PoseReader

    kind = DATASETS.get(str(poses.get('type')))
    if not isinstance(kind, type) or not issubclass(kind, PoseReader):
        raise ValueError(
            f'poses of the config: type={poses.get("type")!r} is no reader of 3D poses, such as "PoseScript" or '
            '"PoseRecords".'
        )
    reader = DATASETS.build(poses)
    samples = list(islice(reader, limit))
    if not samples:
        raise ValueError('poses of the config: there is no pose in these files.')
    return FactsRead(samples, {reason: number for reason, number in reader.dropped.items() if number})


def counted(dropped: Dict[str, int], unusable: List[str]) -> str:
    """'; left out: 2 crowds, 1 images without captions'."""
    counts = {**dropped, **{reason: unusable.count(reason) for reason in unusable}}
    return '; left out: ' + ', '.join(f'{number:,} {reason}' for reason, number in counts.items()) if counts else ''


def print_failures(asked: 'Asked', parse: 'CountedParse') -> None:
    """What could not be used, and why."""
    print(
        f'answers that cannot be read: {len(parse.unparsable):,}; that speak of the annotations: {len(parse.leaked):,}'
    )
    failed = {**asked.failed, **parse.rejected}
    for name, reason in list(failed.items())[:SHOWN]:
        print(f'failed: {name}: {reason}')
    if len(failed) > SHOWN:
        print(f'and {len(failed) - SHOWN:,} more; the journal has them all')


def beside(path: Path, kind: str) -> Path:
    """FILE.journal.jsonl or FILE.provenance.jsonl."""
    return path.with_name(f'{path.name}.{kind}.jsonl')


def main(argv: Optional[Sequence[str]] = None) -> int:
    return run_command(make_parser(), run, argv)
