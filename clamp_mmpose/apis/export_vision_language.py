"""Exports a tuned vision-language model: LoRA is merged, into a folder that transformers reads.

What a ChatPose has beside its language model, above all the pose head, lies in that folder in a file of its own.
"""

import copy
from pathlib import Path
from typing import NamedTuple, Optional

from mmengine.config import Config

from clamp_mmpose.checkpoints.hub import OWN_WEIGHTS
from clamp_mmpose.checkpoints.writer import write_safetensors
from clamp_mmpose.models.pose_estimators import ChatPose
from clamp_mmpose.utils.files import check_writable

from .trained_model import load_vision_language_model

HERE = '{{ fileDirname }}'  # MMEngine puts the folder of the config in its place: the exported folder can be moved

KEPT = ('type', 'dtype', 'attention', 'template', 'test_cfg')
KEPT += ('pose_token', 'pose_head', 'pose_loss', 'text_loss', 'pose_tower')  # of ChatPose


class VisionLanguageExport(NamedTuple):
    """What :func:`export_vision_language` wrote."""

    folder: Path
    config: Path


def export_vision_language(
    config: str, checkpoint: str, out_dir: str, options: Optional[dict] = None
) -> VisionLanguageExport:
    """Merge LoRA, and write a model that needs neither its base model nor peft.

    ``AutoModelForImageTextToText`` and ``AutoProcessor`` of transformers read the folder, as do the programs that serve
    such models; ``config.py`` in it is for the commands here, which need no checkpoint beside it.

    Args:
        config, checkpoint: a tuned :class:`VisionLanguageModel`.
        out_dir: folder to write to.
        options: settings that replace those of the config, as ``--cfg-options`` does.

    Raises:
        ValueError: another model, or a checkpoint that does not fit it.
    """
    out = Path(out_dir)
    check_writable(out / 'config.py')
    cfg, model = load_vision_language_model(config, checkpoint, options)
    vlm = model.vlm
    model.merge()
    vlm.to(vlm.get_input_embeddings().weight.dtype)  # what was trained beside LoRA is float32
    vlm.generation_config.eos_token_id, vlm.generation_config.pad_token_id = model.stops, model.pad
    vlm.save_pretrained(str(out), safe_serialization=True)
    model.processor.save_pretrained(str(out))
    if isinstance(model, ChatPose):
        write_safetensors(model.own_parts().state_dict(), out / OWN_WEIGHTS, {})
    merged_config(cfg).dump(str(out / 'config.py'))
    return VisionLanguageExport(out, out / 'config.py')


def merged_config(cfg: Config) -> Config:
    """The config of the exported model: nothing in it is trained, and it comes from the folder of the config."""
    cfg = copy.deepcopy(cfg)
    kept = {key: cfg.model[key] for key in KEPT if key in cfg.model}
    if kept.get('pose_tower'):
        kept['pose_tower'].backbone.pop('init_cfg', None)  # its weights are in the folder
    init_cfg = dict(type='Pretrained', checkpoint=HERE)
    cfg.model = dict(kept, model=HERE, tune='frozen', tune_projector=False, init_cfg=init_cfg)
    cfg.load_from, cfg.resume = None, False
    return cfg
