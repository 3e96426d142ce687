import copy
from typing import Any, Optional, Tuple

from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import CheckpointLoader
from mmpose.models.builder import build_pose_estimator

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
            f'{config} has a {type(model.head).__name__}; only a CLAMPHead or a CapeLLMHead can be exported.'
        )
    load_trained(model, content, checkpoint)
    return cfg, model, content
