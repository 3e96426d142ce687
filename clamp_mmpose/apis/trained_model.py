import copy
from typing import Any, Optional, Tuple, Union

from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import CheckpointLoader
from mmpose.models.builder import build_pose_estimator
from mmpose.registry import MODELS

from clamp_mmpose.models.language_models import VisionLanguageModel
from clamp_mmpose.models.pose_estimators import ChatPose
from clamp_mmpose.models.utils.trained_parts import load_trained

from .model_zoo import read_config


def load_trained_model(
    config: str, checkpoint: str, head: type, options: Optional[dict] = None
) -> Tuple[Config, Any, dict]:
    """Build a pose estimator and load its weights, to export it.

    Args:
        config, checkpoint: of the model.
        head: class that its head must have.
        options: settings that replace those of the config, as ``--cfg-options`` does.

    Returns:
        tuple: its config, the model in eval mode, and the content of the checkpoint.

    Raises:
        ValueError: another head, or a checkpoint that does not fit the model.
    """
    init_default_scope('mmpose')
    cfg = read_config(config, options)
    content = CheckpointLoader.load_checkpoint(checkpoint, map_location='cpu')
    model = build_pose_estimator(copy.deepcopy(cfg.model)).eval()
    if not isinstance(model.head, head):
        raise ValueError(
            f'{config} has a {type(model.head).__name__}; only a CLAMPHead, a TextQueryHead or a CapeLLMHead can be '
            'exported.'
        )
    load_trained(model, content, checkpoint)
    return cfg, model, content


def is_vision_language_model(config: Union[str, Config]) -> bool:
    """Whether the model of a config is a :class:`VisionLanguageModel`."""
    return _has_model(config, VisionLanguageModel)


def has_head(config: str, expected: type) -> bool:
    """Whether the model of a config has such a head."""
    init_default_scope('mmpose')
    kind = ((read_config(config).get('model') or {}).get('head') or {}).get('type')
    kind = MODELS.get(kind) if isinstance(kind, str) else kind
    return isinstance(kind, type) and issubclass(kind, expected)


def is_chat_pose(config: Union[str, Config]) -> bool:
    """Whether the model of a config is a :class:`ChatPose`."""
    return _has_model(config, ChatPose)


def _has_model(config: Union[str, Config], expected: type) -> bool:
    init_default_scope('mmpose')
    kind = ((read_config(config) if isinstance(config, str) else config).get('model') or {}).get('type')
    kind = MODELS.get(kind) if isinstance(kind, str) else kind
    return isinstance(kind, type) and issubclass(kind, expected)


def load_vision_language_model(
    config: Union[str, Config], checkpoint: Optional[str] = None, options: Optional[dict] = None
) -> Tuple[Config, VisionLanguageModel]:
    """Build a vision-language model and load its weights.

    Args:
        config: of a :class:`VisionLanguageModel`.
        checkpoint: of the tuned model; None: the weights that ``init_cfg`` names.
        options: settings that replace those of a config file, as ``--cfg-options`` does.

    Returns:
        tuple: its config, and the model in eval mode.

    Raises:
        ValueError: another model, or a checkpoint that does not fit it.
    """
    init_default_scope('mmpose')
    cfg = read_config(config, options) if isinstance(config, str) else config
    name = config if isinstance(config, str) else cfg.filename or 'this config'
    if not is_vision_language_model(cfg):
        kind = (cfg.get('model') or {}).get('type')
        kind = f'a {kind}' if kind else 'no model'
        raise ValueError(f'{name} has {kind}, expected a VisionLanguageModel.')
    model = MODELS.build(copy.deepcopy(cfg.model)).eval()
    if checkpoint is None:
        if not model.init_cfg:
            raise ValueError(f'{name} has no pretrained weights (init_cfg): give a checkpoint.')
        model.init_weights()
    else:
        load_trained(model, CheckpointLoader.load_checkpoint(checkpoint, map_location='cpu'), checkpoint)
    return cfg, model
