"""Scores a model on zero-shot data sets, one after the other: FocusCLIP's Table 1."""

import json
import os
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Union

import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmpose.registry import MODELS

from clamp_mmpose.checkpoints.fit import load_weights, weights_of
from clamp_mmpose.checkpoints.reader import read_checkpoint
from clamp_mmpose.datasets.zero_shot.zero_shot_dataset import ZeroShotDataset
from clamp_mmpose.datasets.zero_shot.zero_shot_tasks import chosen_tasks, open_task
from clamp_mmpose.evaluation import ZeroShotAccuracy
from clamp_mmpose.evaluation.zero_shot_table import markdown_table, task_wise_mean
from clamp_mmpose.models.image_text import CLIPTowers, ImageTextModel, OpenCLIPModel
from clamp_mmpose.utils.files import atomic_write, parse_json, read_json

from .model_zoo import configs_root, read_config

OPEN_CLIP = 'open_clip://'
TASKS = 'configs/_base_/data/zero_shot.py'


class ScoredModel(NamedTuple):
    """What is scored, and how."""

    model: ImageTextModel
    pipeline: List[dict]  # from a file to what the model takes
    tasks: Dict[str, dict]  # data sets by name
    only: Optional[List[str]]  # those chosen in its config; None: all
    templates: Union[str, List[str], None]  # those of its config, as for ZeroShotDataset
    batch_size: int
    num_workers: int


def load_scored_model(source: str, checkpoint: Optional[str] = None, options: Optional[dict] = None) -> ScoredModel:
    """A model that can be scored zero-shot, with its weights.

    Args:
        source: a config of :class:`FocusCLIP` or another image-text model; a config of CLAMP or the name of one in a
            metafile, whose two towers are scored; or ``open_clip://ARCH/TAG``, any model of open_clip's
            (``open_clip://ARCH`` with a file as ``checkpoint``).
        checkpoint: of the trained model. CLAMP's towers may go without: they are CLIP's then.
        options: what else to set in the config.

    Raises:
        FileNotFoundError: no such config or checkpoint.
        ValueError: the model has no space that images and texts share, the checkpoint is of another one.
    """
    init_default_scope('mmpose')
    if source.startswith(OPEN_CLIP):
        return _open_clip(source[len(OPEN_CLIP) :], checkpoint, options)
    cfg = read_config(source, options)
    model = MODELS.build(cfg.model)
    if isinstance(model, ImageTextModel):
        if checkpoint is None:
            raise ValueError(f'{source} needs a checkpoint: its projections are trained.')
        load_weights(model, weights_of(read_checkpoint(checkpoint)), checkpoint)
        return _scored_model(model, cfg.test_dataloader)
    return _clamp_towers(model, cfg, source, checkpoint, options)


def _scored_model(model: ImageTextModel, loader: dict, pipeline: Optional[List[dict]] = None) -> ScoredModel:
    dataset = loader.dataset
    tasks = (
        dataset.tasks
        if dataset.type == 'ZeroShotTasks'
        else {dataset.type: {key: value for key, value in dataset.items() if key != 'pipeline'}}
    )
    return ScoredModel(
        model,
        pipeline or dataset.pipeline,
        tasks,
        dataset.get('only'),
        dataset.get('templates'),
        loader.batch_size,
        loader.num_workers,
    )


def _paper_tasks(options: Optional[dict]) -> dict:
    return read_config(configs_root() / TASKS, options).test_dataloader


def _open_clip(address: str, checkpoint: Optional[str], options: Optional[dict]) -> ScoredModel:
    arch, _, tag = address.partition('/')
    if not tag and checkpoint is None:
        raise ValueError(
            f'{OPEN_CLIP}{address} names no weights: {OPEN_CLIP}ARCH/TAG with a tag of '
            'open_clip.list_pretrained(), or a checkpoint file as well.'
        )
    model = OpenCLIPModel(arch, init_cfg=dict(type='Pretrained', checkpoint=checkpoint or tag))
    model.init_weights()
    pipeline = [
        dict(type='LoadIntactImage'),
        dict(type='OpenCLIPPreprocess', arch=arch, tag=tag),
        dict(type='PackZeroShotInputs'),
    ]
    return _scored_model(model, _paper_tasks(options), pipeline)


def _clamp_towers(
    model: torch.nn.Module, cfg: Config, path: str, checkpoint: Optional[str], options: Optional[dict]
) -> ScoredModel:
    backbone, text_encoder = model.backbone, getattr(getattr(model, 'head', None), 'text_encoder', None)
    if getattr(backbone, 'out', None) != 'embeddings' or text_encoder is None or cfg.model.head.get('project'):
        raise ValueError(
            f'{path} has no space that its images and texts share: zero-shot tests need FocusCLIP, '
            f"CLAMP on a tower of CLIP's, or {OPEN_CLIP}ARCH/TAG."
        )
    if checkpoint is None:
        backbone.init_weights()
        text_encoder.init_weights()
    else:
        load_weights(model, weights_of(read_checkpoint(checkpoint)), checkpoint)
    width, height = cfg.model.head.decoder.input_size
    pipeline = [
        dict(type='LoadIntactImage'),
        dict(type='ResizeToInput', input_size=(width, height), crop_bbox=True),
        dict(type='PackZeroShotInputs'),
    ]
    return _scored_model(CLIPTowers(backbone, text_encoder, model.data_preprocessor), _paper_tasks(options), pipeline)


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
    """Score a model; write ``zero_shot.json`` and ``zero_shot.md`` again after each data set.

    Args:
        source: see :func:`load_scored_model`; also ``checkpoint`` and ``options``.
        out_dir: made if missing.
        tasks: names of data sets in the config; None: those chosen there.
        templates: as for :class:`ZeroShotDataset`; None: those of the config.
        device: where the model runs.
        resume: keep the data sets that ``zero_shot.json`` has of the same model already.
        progress: wraps the batches of a data set, such as ``rich.progress.track``.

    Returns:
        str: Table 1 as Markdown. Data sets that are absent are listed.

    Raises:
        FileNotFoundError: none of the data sets is there; also see :func:`load_scored_model`.
        ValueError: an unknown task, ``resume`` on another model's results; also see :func:`load_scored_model`.
    """
    scored = load_scored_model(source, checkpoint, options)
    names = chosen_tasks(scored.tasks, scored.only if tasks is None else tasks)
    templates = scored.templates if templates is None else templates
    of = dict(
        model=source,
        checkpoint=checkpoint,
        checkpoint_is=_state(checkpoint),
        templates=templates,
        options=options or {},
    )
    results = _Results(Path(out_dir), of, names, resume)
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
            'none of the zero-shot data sets is there: ' + ' '.join(row['reason'] for row in results.absent.values())
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
    evaluator = Evaluator([metric])
    with torch.no_grad():
        for batch in progress(loader, description=f'{dataset.name}, {dataset.task}', total=len(loader)):
            evaluator.process(scored.model.test_step(batch), batch)
    evaluator.evaluate(len(dataset))
    return metric.details[0]


def _state(path: Optional[str]) -> Optional[List[int]]:
    """Size and time of change: whether a file was overwritten."""
    return None if path is None else [os.stat(path).st_size, os.stat(path).st_mtime_ns]


class _Results:
    """What is known of each data set, in a file that is whole at any time."""

    def __init__(self, folder: Path, of: dict, names: Sequence[str], resume: bool):
        self.folder, self.of = folder, parse_json(json.dumps(of))  # as it will be read
        self.details: Dict[str, dict] = {}
        self.absent: Dict[str, dict] = {}
        path = folder / 'zero_shot.json'
        if not resume or not path.is_file():
            return
        content = read_json(path, 'results', 'go without --resume')
        differ = [key for key, value in self.of.items() if content.get(key) != value]
        if differ:
            raise ValueError(
                f'{path} has results of {content.get("model")} with other {differ}: give another '
                '--out-dir, or go without --resume.'
            )
        self.details = {name: detail for name, detail in content['details'].items() if name in names}

    def add(self, name: str, detail: dict) -> None:
        self.details[name] = detail
        self.write()

    def write(self) -> str:
        details = list(self.details.values())
        table = markdown_table(details, list(self.absent.values()))
        content = dict(
            self.of, task_wise_mean=task_wise_mean(details), details=self.details, absent=list(self.absent.values())
        )
        title = f'# Zero-shot accuracy of {self.of["model"]}'
        for file, text in (
            ('zero_shot.json', json.dumps(content, indent=2)),
            ('zero_shot.md', f'{title}\n\nCheckpoint: {self.of["checkpoint"] or "none"}\n\n{table}\n'),
        ):
            atomic_write(self.folder / file, text.encode())
        return table
