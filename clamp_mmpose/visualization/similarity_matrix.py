from pathlib import Path
from typing import Dict, Sequence, Union

import numpy as np

from .text import drawable


def draw_similarity_matrices(matrices: Dict[str, np.ndarray], names: Sequence[str], path: Union[str, Path]) -> None:
    """Draw the similarity of keypoint features and prompts, one panel for each matrix (CLAMP Fig. 3).

    Args:
        matrices: title -> ``[K, K]`` cosines, keypoints by prompts; rows of unlabeled keypoints are NaN.
        names: K names.
        path: the image file to write.
    """
    from matplotlib.figure import Figure

    labels = [drawable(name) for name in names]
    figure = Figure(figsize=(1.5 + 5.2 * len(matrices), 6.2), layout='constrained')
    limits = dict(vmin=np.nanmin(list(matrices.values())), vmax=np.nanmax(list(matrices.values())))
    for axes, (title, matrix) in zip(figure.subplots(1, len(matrices), squeeze=False)[0], matrices.items()):
        shown = axes.imshow(matrix, cmap='viridis', **limits)
        axes.set_title(drawable(title), fontsize=10, parse_math=False)
        axes.set_xticks(range(len(names)), labels, rotation=90, fontsize=7, parse_math=False)
        axes.set_yticks(range(len(names)), labels, fontsize=7, parse_math=False)
        axes.set_xlabel('prompt')
        axes.set_ylabel('image feature at')
    figure.colorbar(shown, ax=figure.axes, shrink=0.7, label='cosine')
    figure.savefig(path, dpi=110)
