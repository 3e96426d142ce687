"""MP-100 scores as text."""

from typing import Dict

from clamp_mmpose.datasets.mp100.annotations import MP100Annotations

from .protocols import Scores

SHOWN = 5


def scoring_notes(scores: Scores, annotations: MP100Annotations) -> str:
    """How many instances or pairs were scored and how many were left out, and why, a line each."""
    unit = 'pairs' if 'pairs' in scores.overall else 'instances'
    lines = [f'{scores.overall[unit]:,} {unit} of {len(scores.categories)} categories in {annotations.path}']
    if annotations.dropped:
        listed = ', '.join(map(str, annotations.dropped[:SHOWN])) + (', ...' if annotations.dropped[SHOWN:] else '')
        lines.append(f'dropped because of their boxes: {len(annotations.dropped):,} annotations ({listed})')
    if scores.missing:
        counts = ', '.join(f'{slug} {count:,}' for slug, count in scores.missing.items())
        lines.append(
            f'without a prediction: {sum(scores.missing.values()):,} of {len(annotations.instances):,} '
            f'instances ({counts}); left out: {scores.left_out:,} {unit}'
        )
    if scores.empty:
        lines.append(
            f'without a common visible keypoint: {scores.empty:,} pairs'
            if unit == 'pairs'
            else f'without a visible keypoint, left out: {scores.empty:,} instances'
        )
    return '\n'.join(lines)


def score_table(scores: Scores) -> str:
    """Aligned lines of PCK, NME and AUC: overall, for each supercategory, for each category."""
    width = 2 + max(map(len, ['supercategories', *scores.supercategories, *scores.categories]))

    def line(name: str, values: Dict[str, float]) -> str:
        return f'{name:<{width}}' + ''.join(
            f'{value:10.4f}' if isinstance(value, float) else f'{value:11,}' for value in values.values()
        )

    lines = [
        ' ' * width
        + ''.join(f'{name:>{10 if isinstance(value, float) else 11}}' for name, value in scores.overall.items()),
        line('overall', scores.overall),
    ]
    for title, group in (('supercategories', scores.supercategories), ('categories', scores.categories)):
        lines += [title, *(line(f'  {name}', values) for name, values in group.items())]
    return '\n'.join(lines)
