from pathlib import Path
from typing import Dict, Sequence, Union

from clamp_mmpose.utils.files import parse_json, read_text


def draw_training_curves(logs: Dict[str, Union[str, Path]], keys: Sequence[str], path: Union[str, Path]) -> None:
    """Draw scalars that MMEngine logged, one panel for each key and one line for each run.

    Args:
        logs: name of the run -> its ``scalars.json`` (MMEngine's ``vis_data``).
        keys: logged scalars, such as ``'loss_kpt'`` or ``'coco/AP'``; a run without one has no line there.
        path: the image file to write.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2 * len(keys), 3.4), layout='constrained')
    for axes, key in zip(figure.subplots(1, len(keys), squeeze=False)[0], keys):
        for name, log in logs.items():
            entries = [parse_json(line) for line in read_text(Path(log)).splitlines() if line.strip()]
            # evaluations are logged with the epoch as their step
            points = [(entry.get('epoch', entry['step']), entry[key]) for entry in entries if key in entry]
            if points:
                axes.plot(*zip(*points), label=name, marker='.' if len(points) < 20 else None)
        axes.set_title(key)
        axes.set_xlabel('epoch')
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend()
    figure.savefig(path, dpi=110)
