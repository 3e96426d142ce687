"""Plots of the quality of texts."""

from pathlib import Path
from typing import Dict, Union

import numpy as np

from clamp_mmpose.visualization.text import drawable

from .assess import FileQuality
from .human_ratings import LEVELS
from .measures import MEASURES

COLUMNS = 3
COLORS = ('#b2182b', '#ef8a62', '#bdbdbd', '#92c5de', '#2166ac')  # from wrong to correct


def draw_values(files: Dict[str, FileQuality], path: Union[str, Path]) -> None:
    """Draw each measure's value and 95 % interval, a line for each file."""
    from matplotlib.figure import Figure

    shown = [key for key in MEASURES if any(quality.values.get(key) for quality in files.values())]
    rows = max(1, -(-len(shown) // COLUMNS))
    figure = Figure(figsize=(4.6 * COLUMNS, rows * (1.1 + 0.3 * len(files))), layout='constrained')
    panels = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for axes, key in zip(panels, shown):
        for line, quality in enumerate(files.values()):
            value = quality.values.get(key)
            if value is not None:
                ends = [[value.value - value.low], [value.high - value.value]]
                axes.errorbar(value.value, line, xerr=np.maximum(ends, 0), fmt='o', capsize=3)
        axes.set_title(MEASURES[key].title, fontsize=10)
        axes.set_yticks(range(len(files)), [drawable(name) for name in files], fontsize=8, parse_math=False)
        axes.set_ylim(len(files) - 0.5, -0.5)
        axes.grid(alpha=0.3)
    for axes in panels[len(shown) :]:
        axes.set_axis_off()
    figure.savefig(path, dpi=110)


def draw_levels(shares: Dict[str, Dict[str, float]], path: Union[str, Path]) -> None:
    """Draw the share of ratings at each level, a group of bars for each model (FocusCLIP, Fig. A2)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2 + 1.6 * len(shares), 3.6), layout='constrained')
    axes = figure.subplots()
    for number, (level, color) in enumerate(zip(LEVELS, COLORS)):
        heights = [row[level] for row in shares.values()]
        axes.bar(np.arange(len(shares)) + 0.16 * (number - 2), heights, 0.16, color=color, label=level)
    axes.set_xticks(range(len(shares)), [drawable(name) for name in shares], fontsize=8, parse_math=False)
    axes.set_ylabel('% of the ratings')
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=110)
