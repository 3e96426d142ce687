"""Figures of the report as SVG, with texts as outlines: the same in every browser, and nothing is loaded."""

from io import BytesIO
from typing import Any, Dict, List, Mapping, Sequence

import numpy as np

from clamp_mmpose.evaluation.keypoints.pck import pck_values
from clamp_mmpose.evaluation.keypoints.scored_instance import ScoredInstance
from clamp_mmpose.evaluation.reliability import ReliabilityBin

from .trained_run import Points

BLUE, GRAY = '#2563a8', '#8a94a6'
PANELS = 4  # curves at most
# last part of the names of evaluations
WANTED = ('AP', 'PCK', 'PCK@0.1', 'PCK@0.2', 'mPCK', 'AUC', 'NME', 'EPE')


def curve_names(scalars: Dict[str, Points]) -> List[str]:
    """The loss, the usual evaluations, and accuracies on the training data."""
    usual = [name for one in WANTED for name in scalars if name.split('/')[-1] == one]
    accuracy = [name for name in scalars if name.startswith('acc')]
    return [name for name in ('loss', *usual, *accuracy) if name in scalars][:PANELS]


def training_curves(scalars: Dict[str, Points]) -> bytes:
    """A panel for each of :func:`curve_names`, over the iterations."""
    names = curve_names(scalars)
    figure = _figure(3.1 * len(names), 2.6)
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names):
        steps, values = zip(*scalars[name])
        axes.plot(steps, values, color=BLUE, marker='.' if len(steps) < 30 else None)
        axes.set(title=name, xlabel='iteration')
        axes.grid(alpha=0.3)
        if name == 'loss' and min(values) > 0 and max(values) > 20 * min(values):
            axes.set_yscale('log')
    return _svg(figure)


def pck_curve(groups: Mapping[str, Sequence[ScoredInstance]]) -> bytes:
    """PCK over its threshold, a line for each group of instances; the groups with the lowest PCK, if there are many."""
    thresholds = np.arange(0.01, 0.305, 0.01)
    curves = {}
    for name, instances in groups.items():
        curves[name] = [np.nanmean(pck_values(instances, threshold)) for threshold in thresholds]
    shown = sorted(curves, key=lambda name: float(np.sum(curves[name])))[:8]
    figure = _figure(4.6, 3.2)
    axes = figure.subplots()
    for name in [name for name in curves if name in shown]:
        axes.plot(100 * thresholds, curves[name], label=name if len(name) < 28 else f'{name[:25]}...')
    axes.set(xlabel='threshold, % of the longer side of the box', ylabel='PCK', ylim=(0, 1.02))
    axes.grid(alpha=0.3)
    if len(shown) > 1:
        axes.legend(fontsize=7)
    return _svg(figure)


def reliability_diagram(table: Sequence[ReliabilityBin]) -> bytes:
    """The share of correct keypoints in each bin of the scores, beside the diagonal of calibrated scores."""
    figure = _figure(3.6, 3.2)
    axes = figure.subplots()
    for row in table:
        if row.count:
            axes.bar(row.low, row.correct, width=row.high - row.low, align='edge', color=BLUE, edgecolor='white')
    axes.plot([0, 1], [0, 1], color=GRAY, linestyle='--')
    axes.set(xlabel='score', ylabel='share that is correct', xlim=(0, 1), ylim=(0, 1.02))
    return _svg(figure)


def _figure(width: float, height: float) -> Any:
    from matplotlib.figure import Figure  # slow to import

    return Figure(figsize=(width, height), layout='constrained')


def _svg(figure: Any) -> bytes:
    import matplotlib

    buffer = BytesIO()
    with matplotlib.rc_context({'svg.fonttype': 'path', 'svg.hashsalt': 'report'}):
        figure.savefig(buffer, format='svg', metadata=dict(Date=None, Creator=None))
    return buffer.getvalue()
