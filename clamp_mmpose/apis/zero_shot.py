"""Score a model on zero-shot data sets, one by one, as in FocusCLIP's Table 1."""

import os
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Union

import torch
from mmengine.evaluator import Evaluator
from mmengine.runner import Runner

from clamp_mmpose.datasets.zero_shot.zero_shot_dataset import ZeroShotDataset
from clamp_mmpose.datasets.zero_shot.zero_shot_tasks import chosen_tasks, open_task
from clamp_mmpose.evaluation.metrics import ZeroShotAccuracy
from clamp_mmpose.evaluation.zero_shot_table import markdown_table, task_wise_mean
from clamp_mmpose.utils.files import atomic_write, check_writable, parse_json, read_json, to_json, without_nan

from .zero_shot_models import ScoredModel, load_scored_model


def run_zero_shot(
    source: str,
    checkpoint: Optional[str],
    out_dir: Union[str, Path],
    tasks: Optional[Sequence[str]] = None,
    templates: Union[str, Sequence[str], None] = None,
    device: str = 'cpu',
    resume: bool = False,
    options: Optional[dict] = None,
    progress: Callable = lambda batches, **_: batches,
) -> str:
    """Score a model; update ``zero_shot.json`` and ``zero_shot.md`` after each data set.

    Args:
        source: see :func:`load_scored_model`; also ``checkpoint`` and ``options``.
        out_dir: created if missing.
        tasks: names of data sets in the config; None: those that the config chooses.
        templates: as for :class:`ZeroShotDataset`; None: those of the config.
        device: where the model runs.
        resume: keep the results of the same model that ``zero_shot.json`` has already.
        progress: wraps the batches of a data set, such as ``rich.progress.track``.

    Returns:
        str: Table 1 as Markdown. Data sets that are absent are listed.

    Raises:
        FileNotFoundError: none of the data sets exists; also see :func:`load_scored_model`.
        ValueError: an unknown task, ``resume`` on another model's results; also see :func:`load_scored_model`.
    """
    check_writable(Path(out_dir) / 'zero_shot.json')
    scored = load_scored_model(source, checkpoint, options)
    names = chosen_tasks(scored.tasks, scored.only if tasks is None else tasks)
    templates = scored.templates if templates is None else templates
    settings = dict(
        model=source,
        checkpoint=checkpoint,
        checkpoint_is=_state(checkpoint),
        templates=templates,
        options=options or {},
    )
    results = _Results(Path(out_dir), settings, names, resume)
    scored.model.to(device).eval()
    for name in names:
        if name in results.details:
            continue
        dataset, absent = open_task(name, scored.tasks[name], scored.pipeline, templates)
        if absent is None:
            results.add(name, _score(scored, dataset, progress))
        else:
            results.absent[name] = absent
    if not results.details:
        raise FileNotFoundError(
            'none of the zero-shot data sets exists: ' + ' '.join(row['reason'] for row in results.absent.values())
        )
    return results.write()


def _score(scored: ScoredModel, dataset: ZeroShotDataset, progress: Callable) -> dict:
    loader = Runner.build_dataloader(
        dict(
            dataset=dataset,
            batch_size=scored.batch_size,
            num_workers=scored.num_workers,
            sampler=dict(type='DefaultSampler', shuffle=False),
        )
    )
    metric = ZeroShotAccuracy()
    batches = progress(loader, description=f'{dataset.name}, {dataset.task}', total=len(loader))
    with torch.no_grad():
        samples: Any = (
            sample for batch in batches for sample in scored.model.test_step(batch)
        )  # an iterator is enough
        Evaluator([metric]).offline_evaluate(samples)
    return metric.details[0]


def _state(path: Optional[str]) -> Optional[List[int]]:
    """Size and modification time, to detect that a file was overwritten."""
    return None if path is None else [os.stat(path).st_size, os.stat(path).st_mtime_ns]


class _Results:
    """The results of each data set, written atomically."""

    def __init__(self, folder: Path, settings: dict, names: Sequence[str], resume: bool):
        self.folder, self.settings = folder, parse_json(to_json(settings, 'settings'))  # as they are read from the file
        self.details: Dict[str, dict] = {}
        self.absent: Dict[str, dict] = {}
        path = folder / 'zero_shot.json'
        if not resume or not path.is_file():
            return
        content = read_json(path, 'results', 'run without --resume', expected=dict, finite=False)
        differ = [key for key, value in self.settings.items() if content.get(key) != value]
        if differ:
            raise ValueError(
                f'{path} has results of {content.get("model")} with different {differ}: give another '
                '--out-dir, or run without --resume.'
            )
        self.details = {name: detail for name, detail in content['details'].items() if name in names}

    def add(self, name: str, detail: dict) -> None:
        self.details[name] = detail
        self.write()

    def write(self) -> str:
        details = list(self.details.values())
        table = markdown_table(details, list(self.absent.values()))
        content = dict(
            self.settings,
            task_wise_mean=task_wise_mean(details),
            details=self.details,
            absent=list(self.absent.values()),
        )
        title = f'# Zero-shot accuracy of {self.settings["model"]}'
        for file, text in (
            ('zero_shot.json', to_json(without_nan(content), 'scores', 2)),
            ('zero_shot.md', f'{title}\n\nCheckpoint: {self.settings["checkpoint"] or "none"}\n\n{table}\n'),
        ):
            atomic_write(self.folder / file, text.encode())
        return table
