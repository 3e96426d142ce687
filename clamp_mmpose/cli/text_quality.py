"""Measure the quality of texts about images and compare files; export sentences for human ratings (FocusCLIP, A.4)."""

import argparse
import functools
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence

from .command import add_cfg_options, build_parser, device, positive_int, run_command, whole_number

LOCAL_FILES = '/data/local-files/?d='  # Label Studio's address of files on its own machine


def make_parser() -> argparse.ArgumentParser:
    parser = build_parser(__doc__, 'text-quality')
    parser.add_argument(
        'files',
        nargs='+',
        metavar='FILE',
        help='LLaVA records, descriptions or plain texts (.json, .jsonl, .txt); the others are compared with the first',
    )
    parser.add_argument('--out', metavar='DIR', help='write the table, text_quality.json and plots to this folder')
    parser.add_argument(
        '--published', action='store_true', help="FocusCLIP's own arithmetic, for numbers beside its Table 3"
    )
    parser.add_argument('--ngram', type=positive_int, default=3, metavar='N', help='default: 3; not for --published')
    parser.add_argument('--clip', metavar='MODEL', help='open_clip model for CLIPScore, such as ViT-L-14-quickgelu')
    parser.add_argument('--clip-weights', metavar='FILE', help='its weights, a file or a tag such as openai')
    parser.add_argument('--images', metavar='FOLDER', help='folder of the images that the texts name')
    parser.add_argument('--device', type=device, help='for CLIPScore; default: cuda if available, else cpu')
    parser.add_argument('--language-tool', metavar='URL', help='a running LanguageTool server, for grammar errors')
    parser.add_argument(
        '--facts', metavar='CONFIG', help='config with facts, as for make_texts: texts are held against the keypoints'
    )
    add_cfg_options(parser, 'facts.dataset.data_root=FOLDER')
    parser.add_argument('--ratings', metavar='FILE', help='JSON export of Label Studio, with ratings of correctness')
    export = parser.add_argument_group('human ratings', 'these write tasks for Label Studio instead of measuring')
    export.add_argument('--label-studio-export', metavar='FILE', help='write tasks to this JSON file')
    export.add_argument(
        '--label-studio-images', type=positive_int, default=100, metavar='N', help='images to draw; default: 100'
    )
    export.add_argument(
        '--image-url',
        default=LOCAL_FILES,
        metavar='PREFIX',
        help=f'address of the images; default: {LOCAL_FILES}',
    )
    export.add_argument('--seed', type=whole_number, default=0, metavar='N', help='of the draw and the order')
    return parser


def run(args: argparse.Namespace) -> None:
    from clamp_mmpose.evaluation.text_quality.assess import short_names
    from clamp_mmpose.evaluation.text_quality.human_ratings import read_ratings
    from clamp_mmpose.evaluation.text_quality.texts import read_texts
    from clamp_mmpose.utils.files import check_writable

    texts = {name: read_texts(file) for name, file in zip(short_names(args.files), args.files)}
    if args.label_studio_export:
        return _export(args, texts)
    if args.out:
        check_writable(Path(args.out) / 'text_quality.json')
    rated = read_ratings(args.ratings) if args.ratings else {}
    notes: List[str] = []
    others = [functools.partial(_grammar, args, notes), *_clip(args)]
    others += [] if args.published else _consistency(args)
    report = (_published if args.published else _measured)(args, texts, others, rated)
    if rated:
        report = _levels(args, report, rated)
    content = dict(report.content, published=args.published, notes=notes)
    text = '\n\n'.join([*report.parts, *notes])
    print(text)
    if args.out:
        _write(Path(args.out), text, content)


class _Report(NamedTuple):
    parts: List[str]  # of the printed text
    content: Dict[str, Any]  # for JSON


def _measured(
    args: argparse.Namespace, texts: Dict[str, list], others: Sequence[Callable], rated: Dict[str, Any]
) -> _Report:
    from clamp_mmpose.evaluation.text_quality import assess, tables
    from clamp_mmpose.evaluation.text_quality.plots import draw_values

    files = {name: assess.assess(rows, args.ngram, others) for name, rows in texts.items()}
    files = {
        name: assess.with_measure(quality, 'correctness', rated[name].correctness()) if name in rated else quality
        for name, quality in files.items()
    }
    first, *rest = files
    images = {name: assess.shared_images(files[first], files[name]) for name in rest}
    differences = {name: assess.differences(files[first], files[name]) for name in rest if images[name]}
    parts = [tables.quality_table(files, args.ngram)]
    if differences:
        parts.append(tables.difference_table(first, differences, images))
    parts += [f'{name} is not compared with {first}: they share no image.' for name in rest if not images[name]]
    if args.out:
        draw_values(files, Path(args.out) / 'text_quality.png')
    content = dict(
        ngram=args.ngram,
        files={name: dict(path=path, **assess.as_dict(files[name])) for name, path in zip(files, args.files)},
        differences_from=first,
        differences={
            name: dict(images=images[name], measures={key: value._asdict() for key, value in values.items()})
            for name, values in differences.items()
        },
    )
    return _Report(parts, content)


def _published(
    args: argparse.Namespace, texts: Dict[str, list], others: Sequence[Callable], rated: Dict[str, Any]
) -> _Report:
    from clamp_mmpose.evaluation.text_quality import tables
    from clamp_mmpose.evaluation.text_quality.published import published_quality
    from clamp_mmpose.evaluation.text_quality.scores import mean_of

    files: Dict[str, dict] = {}
    for name, rows in texts.items():
        files[name] = published_quality([text.text for text in rows])._asdict()
        for score in others:
            files[name].update({key: mean_of(scores) for key, scores in score(rows).items()})
        if name in rated:
            files[name]['correctness'] = mean_of(rated[name].correctness().scores)
    content = {name: dict(path=path, measures=files[name]) for name, path in zip(files, args.files)}
    return _Report([tables.published_table(files)], dict(files=content))


def _levels(args: argparse.Namespace, report: _Report, rated: Dict[str, Any]) -> _Report:
    """Add the share of each level of the ratings (Fig. A2)."""
    from clamp_mmpose.evaluation.text_quality.plots import draw_levels
    from clamp_mmpose.evaluation.text_quality.tables import levels_table

    shares = {model: ratings.level_shares() for model, ratings in rated.items()}
    if args.out:
        draw_levels(shares, Path(args.out) / 'correctness.png')
    unrated = ', '.join(f'{model} {ratings.unrated:,}' for model, ratings in rated.items())
    part = f'Ratings of correctness:\n\n{levels_table(shares)}\n\nSentences that nobody rated: {unrated}.'
    return _Report([*report.parts, part], dict(report.content, correctness_levels=shares))


def _grammar(args: argparse.Namespace, notes: List[str], texts: Sequence[Any]) -> Dict[str, Any]:
    """The score of grammar errors; what is missing for it goes to the notes, once."""
    from clamp_mmpose.evaluation.text_quality.grammar import GrammarMissing, grammar_errors
    from clamp_mmpose.evaluation.text_quality.scores import scores_of

    try:
        counts = grammar_errors([text.text for text in texts], args.language_tool, _progress())
    except GrammarMissing as error:
        if args.language_tool:
            raise
        note = f'Grammar errors are not counted: {error}.'
        notes += [] if note in notes else [note]
        return {}
    return dict(grammar_errors=scores_of(counts))


def _clip(args: argparse.Namespace) -> List[Callable]:
    if not args.clip:
        return []
    if not args.clip_weights or not args.images:
        raise ValueError('--clip needs --clip-weights (a file or a tag) and --images (the folder of the images).')
    import torch

    from clamp_mmpose.evaluation.text_quality.clip_score import CLIPScore
    from clamp_mmpose.evaluation.text_quality.scores import scores_of

    place = args.device or ('cuda' if torch.cuda.is_available() else 'cpu')
    score = CLIPScore(args.clip, args.clip_weights, args.images, args.published, place)
    return [lambda texts: dict(clip_score=scores_of(score(texts, _progress())))]


def _consistency(args: argparse.Namespace) -> List[Callable]:
    if not args.facts:
        return []
    from clamp_mmpose.apis.model_zoo import read_config
    from clamp_mmpose.evaluation.text_quality.consistency import KeypointConsistency

    from .make_texts import read_annotations

    cfg = read_config(args.facts, args.cfg_options)
    if not isinstance(cfg.get('facts'), dict):
        raise ValueError(f'config {args.facts} has no facts: expected facts=dict(dataset=...), see configs/texts.')
    return [KeypointConsistency(read_annotations(cfg.facts.to_dict(), None).images)]


def _export(args: argparse.Namespace, texts: Dict[str, list]) -> None:
    from clamp_mmpose.evaluation.text_quality.human_ratings import LABELING_CONFIG, rating_tasks
    from clamp_mmpose.utils.files import atomic_write, to_json

    tasks = rating_tasks(texts, args.label_studio_images, args.seed, args.image_url)
    file = Path(args.label_studio_export)
    atomic_write(file, to_json(tasks, 'tasks', indent=1).encode())
    atomic_write(file.with_suffix('.xml'), LABELING_CONFIG.encode())
    images = len({task['data']['image_name'] for task in tasks})
    print(
        f'Wrote {len(tasks):,} tasks of {images:,} images to {file}, and the labeling interface to '
        f'{file.with_suffix(".xml")}.'
    )


def _write(folder: Path, text: str, content: dict) -> None:
    from clamp_mmpose.utils.files import atomic_write, to_json, without_nan

    atomic_write(folder / 'text_quality.md', (text + '\n').encode('utf-8', 'backslashreplace'))
    atomic_write(folder / 'text_quality.json', to_json(without_nan(content), 'text quality', indent=1).encode())
    print(f'\nWrote {folder}/text_quality.md, .json and plots.')


def _progress() -> Callable:
    from rich.console import Console
    from rich.progress import track

    return functools.partial(track, console=Console(stderr=True))  # standard output holds only the table


def main(argv: Optional[Sequence[str]] = None) -> int:
    return run_command(make_parser(), run, argv)
