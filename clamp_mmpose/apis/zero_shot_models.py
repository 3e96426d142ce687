"""Models that zero-shot tests can score: FocusCLIP, CLAMP's two towers, any model of open_clip."""

from typing import Any, Dict, List, NamedTuple, Optional, Union

from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpose.registry import MODELS

from clamp_mmpose.checkpoints.reader import check_exists, read_checkpoint
from clamp_mmpose.models.image_text import CLIPTowers, ImageTextModel, OpenCLIPModel
from clamp_mmpose.models.utils.trained_parts import load_trained

from .model_zoo import configs_root, read_config

OPEN_CLIP = 'open_clip://'
TASKS = 'configs/_base_/data/zero_shot.py'


class ScoredModel(NamedTuple):
    """A model to score, with its settings."""

    model: ImageTextModel
    pipeline: List[dict]  # from an image file to the model's input
    tasks: Dict[str, dict]  # data sets by name
    only: Optional[List[str]]  # names of those to score; None: all
    templates: Union[str, List[str], None]  # as for ZeroShotDataset
    batch_size: int
    num_workers: int


def load_scored_model(source: str, checkpoint: Optional[str] = None, options: Optional[dict] = None) -> ScoredModel:
    """Load a model for zero-shot scoring, with its weights.

    Args:
        source: a config of :class:`FocusCLIP` or another image-text model; a config of CLAMP, or the name of one in a
            metafile, to score its two towers; or ``open_clip://ARCH/TAG``, any model of open_clip
            (``open_clip://ARCH`` with a file as ``checkpoint``).
        checkpoint: of the trained model. CLAMP needs none: its towers are CLIP's then.
        options: settings of the config to override.

    Raises:
        FileNotFoundError: the config or the checkpoint does not exist.
        ValueError: the model has no shared image-text space; the checkpoint does not fit.
    """
    init_default_scope('mmpose')
    if source.startswith(OPEN_CLIP):
        return _open_clip(source[len(OPEN_CLIP) :], checkpoint, options)
    cfg = read_config(source, options)
    check_exists(checkpoint)
    model = MODELS.build(cfg.model)
    if isinstance(model, ImageTextModel):
        if checkpoint is None:
            raise ValueError(f'{source} needs a checkpoint: its projections are trained.')
        load_trained(model, read_checkpoint(checkpoint), checkpoint)
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
            f'{OPEN_CLIP}{address} names no weights: give {OPEN_CLIP}ARCH/TAG with a tag of '
            'open_clip.list_pretrained(), or add a checkpoint file.'
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
    model: Any, cfg: Config, path: str, checkpoint: Optional[str], options: Optional[dict]
) -> ScoredModel:
    backbone, text_encoder = model.backbone, getattr(getattr(model, 'head', None), 'text_encoder', None)
    if getattr(backbone, 'out', None) != 'embeddings' or text_encoder is None or cfg.model.head.get('project'):
        raise ValueError(
            f'{path} has no shared image-text space: zero-shot tests need FocusCLIP, '
            f"CLAMP with CLIP's image tower, or {OPEN_CLIP}ARCH/TAG."
        )
    if checkpoint is None:
        backbone.init_weights()
        text_encoder.init_weights()
    else:
        load_trained(model, read_checkpoint(checkpoint), checkpoint)
    width, height = cfg.model.head.decoder.input_size
    pipeline = [
        dict(type='LoadIntactImage'),
        dict(type='ResizeToInput', input_size=(width, height), crop_bbox=True),
        dict(type='PackZeroShotInputs'),
    ]
    return _scored_model(CLIPTowers(backbone, text_encoder, model.data_preprocessor), _paper_tasks(options), pipeline)
