"""PCK as text."""

from typing import List, Sequence

import numpy as np

from clamp_mmpose.evaluation.bootstrap import Interval

from .pck import THRESHOLDS, keypoint_rows, pck_intervals, side_rows
from .scored_instance import ScoredInstance, by_category


def pck_table(
    instances: Sequence[ScoredInstance], thresholds: Sequence[float] = THRESHOLDS, resamples: int = 1000
) -> str:
    """Aligned lines of PCK with 95 % intervals: all instances, then each category, or each keypoint of the only one.

    Args:
        instances: at least one; each has labels.
    """
    groups = by_category(list(instances))
    rows = [('all', len(instances), pck_intervals(instances, thresholds, 0, resamples))]
    if len(groups) > 1:
        rows += [(name, len(own), pck_intervals(own, thresholds, 0, resamples)) for name, own in groups.items()]
    else:
        found = keypoint_rows(instances, thresholds, 0, resamples)
        rows += [(f'  {row.name}', row.labeled, list(row.pck)) for row in found]
    width = max(len(name) for name, _, _ in rows)
    head = ''.join(f'  {f"PCK@{threshold:g}":>19}' for threshold in thresholds)
    lines = [f'{"":<{width}}  labeled{head}']
    lines += [
        f'{name:<{width}}  {count:>7,}' + ''.join(f'  {_cell(one):>19}' for one in pck) for name, count, pck in rows
    ]
    return '\n'.join([*lines, *_sides(list(groups.values()))])


def _cell(found: Interval) -> str:
    return '-' if np.isnan(found.value) else f'{found.value:.3f} ({found.low:.3f}-{found.high:.3f})'


def _sides(groups: List[List[ScoredInstance]]) -> List[str]:
    rows = [row for own in groups for row in side_rows(own)]
    labeled = sum(2 * row.instances for row in rows)
    if not labeled:
        return []
    return [
        f'left and right: {sum(row.misplaced for row in rows):,} of {labeled:,} keypoints are at the label of the '
        f'other side; in {sum(row.exchanged for row in rows):,} of {labeled // 2:,} pairs both are'
    ]
