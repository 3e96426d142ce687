from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

from mmengine.config import Config

from clamp_mmpose.apis.model_zoo import read_config
from clamp_mmpose.engine.work_dir import latest_checkpoint
from clamp_mmpose.utils.files import parse_json, read_text

Points = List[Tuple[int, float]]


class TrainedRun(NamedTuple):
    """What a training has written.

    Args:
        folder: the work dir.
        config: its config, and ``config_file``, where it was read.
        checkpoint: the one to report on.
    """

    folder: Path
    config: Config
    config_file: Path
    checkpoint: Path


def find_run(
    work_dir: Union[str, Path], checkpoint: Union[str, Path, None] = None, options: Optional[dict] = None
) -> TrainedRun:
    """The config and a checkpoint of a work dir.

    Args:
        work_dir: the folder of the training.
        checkpoint: None: the newest ``best_*.pth``, or else the last one.
        options: settings that replace those of the config, as ``--cfg-options`` does.

    Raises:
        FileNotFoundError: the folder, its config or the checkpoint does not exist.
    """
    folder = Path(work_dir)
    configs = sorted(folder.glob('*.py'), key=lambda path: path.stat().st_mtime)
    if not configs:
        what = 'has no config (*.py)' if folder.is_dir() else 'is not a folder'
        raise FileNotFoundError(
            f'{folder} {what}: give the work dir of a training, such as work_dirs/NAME (looked in {Path.cwd()}).'
        )
    config = read_config(configs[-1], options)
    return TrainedRun(folder, config, configs[-1], _checkpoint(folder, config, checkpoint))


def _checkpoint(folder: Path, config: Config, given: Union[str, Path, None]) -> Path:
    if given is not None:
        if not Path(given).is_file():
            raise FileNotFoundError(f'checkpoint {given} does not exist (looked in {Path.cwd()}).')
        return Path(given)
    best = sorted(folder.glob('best_*.pth'), key=lambda path: path.stat().st_mtime)
    if best:
        return best[-1]
    out_dir = ((config.get('default_hooks') or {}).get('checkpoint') or {}).get('out_dir')
    latest, _ = latest_checkpoint(folder, out_dir)
    if latest is None:
        raise FileNotFoundError(f'{folder} has no checkpoint yet: train first, or give one (--checkpoint FILE).')
    return Path(latest)


def read_scalars(work_dir: Union[str, Path]) -> Dict[str, Points]:
    """What MMEngine logged in a work dir: for each name, (iteration, value) of the last training and those it resumed.

    An evaluation has the iteration that was logged last before it.
    """
    found: List[Tuple[int, Dict[str, Any]]] = []
    for log in sorted(Path(work_dir).glob('*/vis_data/scalars.json')):
        entries, iteration = [], 0
        for line in read_text(log).splitlines():
            try:
                entry = parse_json(line)
            except ValueError:  # the last line of a training that was stopped
                continue
            iteration = entry.get('iter', iteration)
            entries.append((iteration, entry))
        if any('iter' in entry for _, entry in entries):
            start = next(step for step, entry in entries if 'iter' in entry)
            found = [(step, entry) for step, entry in found if step < start] + entries
    scalars: Dict[str, Points] = {}
    for step, entry in found:
        for name, value in entry.items():
            if isinstance(value, (int, float)) and name not in ('iter', 'step', 'epoch'):
                scalars.setdefault(name, []).append((step, value))
    return scalars
