"""Exports a trained CapeLLM: LoRA is merged, and the parts of transformers are folders that it reads."""

import copy
from pathlib import Path
from typing import Any, List, NamedTuple, Optional

from mmengine.config import Config

from clamp_mmpose.checkpoints.writer import write_checkpoint
from clamp_mmpose.models.backbones import TransformersBackbone
from clamp_mmpose.models.heads import CapeLLMHead
from clamp_mmpose.models.utils.freeze import freeze
from clamp_mmpose.models.utils.lora import merge_lora
from clamp_mmpose.models.utils.trained_parts import drop_frozen
from clamp_mmpose.utils.files import check_writable

from .trained_model import load_trained_model

LANGUAGE_MODEL, VISION_TOWER = 'language_model', 'vision_tower'
HERE = '{{ fileDirname }}/'  # MMEngine puts the folder of the config in its place: the exported folder can be moved


class CapeLLMExport(NamedTuple):
    """What :func:`export_cape_llm` wrote; ``folders`` are those of transformers."""

    config: Path
    checkpoint: Path
    folders: List[Path]


def export_cape_llm(config: str, checkpoint: str, out_dir: str, options: Optional[dict] = None) -> CapeLLMExport:
    """Merge LoRA, and write a model that needs neither its base models nor peft.

    ``language_model`` holds the language model and its tokenizer for ``AutoModelForCausalLM.from_pretrained``, and
    ``vision_tower`` the image tower if it is a :class:`TransformersBackbone`; ``config.py`` and ``checkpoint.pth``,
    with all other weights, test the model or find keypoints with it.

    Args:
        config, checkpoint: a trained model with a :class:`CapeLLMHead`.
        out_dir: folder to write to.
        options: settings that replace those of the config, as ``--cfg-options`` does.

    Raises:
        ValueError: another head, or a checkpoint of another model.
    """
    out = Path(out_dir)
    check_writable(out / 'checkpoint.pth')
    cfg, model, content = load_trained_model(config, checkpoint, CapeLLMHead, options)
    for module in [module for module in model.modules() if 'peft_config' in vars(module)]:
        merge_lora(module)
    cfg = merged_config(cfg)
    language_model, tower = model.head.language_model, model.backbone
    _save(language_model.llm, out / LANGUAGE_MODEL)
    language_model.tokenizer.save_pretrained(str(out / LANGUAGE_MODEL))
    folders = [out / LANGUAGE_MODEL]
    _comes_from(language_model, LANGUAGE_MODEL)
    tower.init_cfg = None
    if isinstance(tower, TransformersBackbone):
        _save(tower.model, out / VISION_TOWER)
        folders.append(out / VISION_TOWER)
        _comes_from(tower, VISION_TOWER)
    meta = {key: value for key, value in content.get('meta', {}).items() if key == 'dataset_meta'}
    rest = dict(state_dict=dict(model.state_dict()), meta=meta)
    drop_frozen(model, rest)
    write_checkpoint(rest, out / 'checkpoint.pth')
    cfg.dump(str(out / 'config.py'))
    return CapeLLMExport(out / 'config.py', out / 'checkpoint.pth', folders)


def merged_config(cfg: Config) -> Config:
    """The config of the exported model: nothing in it is trained, and its parts are folders beside it."""
    cfg = copy.deepcopy(cfg)
    old, tower = cfg.model.head.language_model, cfg.model.backbone
    kept = {key: old[key] for key in ('type', 'dtype', 'attention') if key in old}
    cfg.model.head.language_model = dict(kept, tune='frozen', **_folder(LANGUAGE_MODEL))
    for key in ('lora', 'init_cfg'):
        tower.pop(key, None)
    if 'tune' in tower:
        tower.tune = 'frozen'
    if tower.type == 'TransformersBackbone':
        tower.pop('config', None)
        tower.update(tune='frozen', **_folder(VISION_TOWER))
    cfg.load_from, cfg.resume = None, False
    return cfg


def _folder(name: str) -> dict:
    return dict(model=HERE + name, init_cfg=dict(type='Pretrained', checkpoint=HERE + name))


def _comes_from(part: Any, folder: str) -> None:
    part.init_cfg = dict(type='Pretrained', checkpoint=folder)
    freeze(part)


def _save(model: Any, folder: Path) -> None:
    """Save a model of transformers, also one whose config is that of a GGUF file."""
    model.config.use_cache = True
    model.hf_quantizer = None  # with it, or with the settings of the file, saving is refused
    if hasattr(model.config, 'quantization_config'):
        del model.config.quantization_config
    model.save_pretrained(str(folder), safe_serialization=True)
