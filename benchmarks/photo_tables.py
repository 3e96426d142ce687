"""The tables of the benchmark on photographs, as Markdown."""

from collections import defaultdict
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

from benchmarks.photo_baselines import Baselines
from benchmarks.photo_runs import Group, Runs, read_runs, together
from benchmarks.photo_trials import CONFIGS, ONE_CATEGORY, THRESHOLDS
from clamp_mmpose.evaluation.bootstrap import Interval

NAMES = {'plain': 'HeatmapHead', 'clamp': 'CLAMP', 'text-query': 'TextQueryHead', 'cape': 'CapeLLMHead'}


def tables(out_dir: Path, data: Path) -> str:
    """Three tables: all images, few images, and a category that is left out; of the results that are there.

    Args:
        out_dir: with the results of the trainings.
        data: the folder ``real_small``.

    Raises:
        FileNotFoundError: there are no results.
    """
    runs = read_runs(out_dir)
    baselines = Baselines(data)
    parts = [main_table(runs, baselines), few_shot_table(runs), left_out_table(runs, baselines)]
    return '\n\n'.join(filter(None, parts)) + '\n'


def main_table(runs: Dict[Group, Runs], baselines: Baselines) -> str:
    """PCK of each category and method, trained on all images."""
    shown: Dict[str, List[Tuple[str, Runs]]] = defaultdict(list)
    for method in CONFIGS:
        if method in ONE_CATEGORY:
            own = {
                slug: runs[method, slug, None, None] for slug in baselines.slugs if (method, slug, None, None) in runs
            }
            for slug, each in own.items():
                shown[slug].append((method, each))
            if own and set(own) == set(baselines.slugs):
                shown['all'].append((method, together(list(own.values()))))
        elif (method, None, None, None) in runs:
            for slug in (*baselines.slugs, 'all'):
                shown[slug].append((method, runs[method, None, None, None]))
    lines = []
    for slug in (*baselines.slugs, 'all'):
        category = None if slug == 'all' else slug
        for method, each in shown[slug]:
            seeds = ' '.join(map(_number, each.of_seeds(2, category)))
            lines.append([slug, NAMES[method], *(_cell(each.pck(i, category)) for i in range(3)), seeds])
        if shown[slug]:
            for name, fixed in (('mean pose', baselines.mean_pose()), ('box center', baselines.box_center())):
                lines.append([slug, name, *(_cell(fixed.pck(i, category)) for i in range(3)), ''])
    header = ['category', 'method', *(f'PCK@{threshold:g}' for threshold in THRESHOLDS), 'PCK@0.2 of each seed']
    return _markdown(header, lines)


def few_shot_table(runs: Dict[Group, Runs]) -> str:
    """CLAMP against the plain head on few images."""
    lines = []
    numbers = {(category, images) for _, category, images, without in runs if category and images}
    for category, images in sorted(numbers) + [(category, None) for category in sorted({own for own, _ in numbers})]:
        groups = [('plain', category, images, None), ('clamp', category, images, None)]
        if all(group in runs for group in groups):
            plain, clamp = (runs[group] for group in groups)
            for i in (1, 2):
                seeds = [own - other for own, other in zip(clamp.of_seeds(i), plain.of_seeds(i))]
                cells = [_cell(plain.pck(i)), _cell(clamp.pck(i)), _cell(clamp.pck(i, against=plain))]
                shown = ' '.join(_number(value, '+') for value in seeds)
                lines.append([category, str(images or 'all'), f'{THRESHOLDS[i]:g}', *cells, shown])
    return _markdown(
        ['category', 'images', 'PCK@', 'HeatmapHead', 'CLAMP', 'CLAMP - HeatmapHead', 'of each seed'], lines
    )


def left_out_table(runs: Dict[Group, Runs], baselines: Baselines) -> str:
    """A category that was not trained, against positions that need no image."""
    lines = []
    for slug in baselines.slugs:
        group = ('text-query', None, None, slug)
        if group in runs:
            fixed = (baselines.nearest_name(slug), baselines.mean_position(slug), baselines.box_center())
            for i in (1, 2):
                cells = [_cell(each.pck(i, slug)) for each in (runs[group], *fixed)]
                seeds = ' '.join(map(_number, runs[group].of_seeds(i)))
                lines.append([slug, f'{THRESHOLDS[i]:g}', *cells, seeds])
    header = ['left out', 'PCK@', 'TextQueryHead', 'nearest name', 'mean position', 'box center', 'of each seed']
    return _markdown(header, lines)


def _cell(value: Interval) -> str:
    return f'{_number(value.value)} [{_number(value.low)}, {_number(value.high)}]'


def _number(value: float, sign: str = '') -> str:
    return f'{value:{sign}.3f}'.replace('0.', '.', 1) if abs(value) < 1 else f'{value:{sign}.2f}'


def _markdown(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    if not lines:
        return ''
    rows = [header, ['---'] * len(header), *lines]
    return '\n'.join(f'| {" | ".join(row)} |' for row in rows)
