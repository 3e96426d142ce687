"""``clip://``: CLIP weights from OpenAI, open_clip and Hugging Face, all renamed to ``visual.*`` and ``text.*``."""

import re
from pathlib import Path
from typing import Any, Dict, Tuple

from torch import Tensor, cat

from clamp_mmpose.utils.files import read_json

from .fit import weights_of
from .reader import read_checkpoint
from .torchscript import is_torchscript

# the text tower's weights in OpenAI's and open_clip's checkpoints, where they have no common prefix
TEXT_KEYS = ('transformer.', 'token_embedding.', 'positional_embedding', 'ln_final.', 'text_projection')

# Hugging Face CLIPModel -> open_clip, applied in order
HUGGING_FACE_RENAMES = [
    (r'^visual_projection\.weight$', 'visual.proj'),
    (r'^text_projection\.weight$', 'text.text_projection'),
    (r'^vision_model\.embeddings\.class_embedding$', 'visual.class_embedding'),
    (r'^vision_model\.embeddings\.patch_embedding\.', 'visual.conv1.'),
    (r'^vision_model\.embeddings\.position_embedding\.weight$', 'visual.positional_embedding'),
    (r'^vision_model\.pre_layrnorm\.', 'visual.ln_pre.'),
    (r'^vision_model\.post_layernorm\.', 'visual.ln_post.'),
    (r'^text_model\.embeddings\.token_embedding\.', 'text.token_embedding.'),
    (r'^text_model\.embeddings\.position_embedding\.weight$', 'text.positional_embedding'),
    (r'^text_model\.final_layer_norm\.', 'text.ln_final.'),
    (r'^vision_model\.encoder\.layers\.', 'visual.transformer.resblocks.'),
    (r'^text_model\.encoder\.layers\.', 'text.transformer.resblocks.'),
    (r'\.self_attn\.out_proj\.', '.attn.out_proj.'),
    (r'\.layer_norm(\d)\.', r'.ln_\1.'),
    (r'\.mlp\.fc1\.', '.mlp.c_fc.'),
    (r'\.mlp\.fc2\.', '.mlp.c_proj.'),
]


def load_from_clip(filename: str, map_location: Any = None) -> dict:
    """Read the CLIP checkpoint that a ``clip://`` address names.

    Args:
        filename: ``clip://PATH``, a file from OpenAI (TorchScript ``.pt``), open_clip (``.bin``, ``.pt``,
            ``.safetensors``) or Hugging Face (``.bin``, ``.safetensors``), or a Hugging Face folder;
            or ``clip://MODEL/TAG`` with a model and a pretrained tag of open_clip, such as
            ``clip://ViT-B-16-quickgelu/openai``, which open_clip downloads once.
        map_location: not used; the weights are on the CPU.

    Returns:
        dict: ``state_dict`` (float32, with open_clip's names under ``visual.`` and ``text.``) and
        ``quick_gelu`` (True, False, or None if the file does not say).

    Raises:
        FileNotFoundError: neither a path nor a known tag.
        ConnectionError: the download failed.
        ValueError: the file holds no CLIP weights.
    """
    path, quick_gelu = _locate(filename[len('clip://') :])
    weights = {
        name: value.float() for name, value in weights_of(read_checkpoint(path)).items() if value.is_floating_point()
    }
    if any(name.startswith(('vision_model.', 'text_model.')) for name in weights):
        weights = _from_hugging_face(weights)
    weights = {(f'text.{name}' if name.startswith(TEXT_KEYS) else name): value for name, value in weights.items()}
    if not any(name.startswith(('visual.', 'text.')) for name in weights):
        raise ValueError(
            f'{path} holds no CLIP weights: expected names such as "visual.conv1.weight" or '
            f'"vision_model.*", found {list(weights)[:3]}.'
        )
    return dict(state_dict=weights, quick_gelu=quick_gelu)


def _locate(address: str) -> Tuple[Path, Any]:
    """The file behind a path or an open_clip tag, and whether its towers use QuickGELU."""
    path = Path(address).expanduser()
    if path.is_file():
        return path, (True if is_torchscript(path) else None)  # only OpenAI publishes TorchScript archives
    if path.is_dir():
        for name in (
            'model.safetensors',
            'pytorch_model.bin',
            'open_clip_model.safetensors',
            'open_clip_pytorch_model.bin',
        ):
            if (path / name).is_file():
                return path / name, _hugging_face_quick_gelu(path / 'config.json')
        raise FileNotFoundError(
            f'{path} holds neither model.safetensors nor pytorch_model.bin; found '
            f'{sorted(p.name for p in path.iterdir())[:8]}.'
        )
    model, _, tag = address.rpartition('/')
    published = get_published(model, tag)
    if not published:
        from open_clip.pretrained import list_pretrained_tags_by_model

        tags = list_pretrained_tags_by_model(model) if model else []
        known = f'; tags of {model}: {", ".join(tags)}' if tags else ''
        raise FileNotFoundError(
            f'clip://{address}: no such file, and no MODEL/TAG that open_clip knows{known}. '
            'Give the path of a checkpoint, or for example clip://ViT-B-16-quickgelu/openai.'
        )
    return (
        download(
            published,
            f'clip://{address}',
            '--cfg-options model.backbone.init_cfg.checkpoint=clip://FILE '
            'model.head.text_encoder.init_cfg.checkpoint=clip://FILE',
        ),
        published.get('quick_gelu'),
    )


def get_published(model: str, tag: str) -> dict:
    """What open_clip knows about the weights of a pretrained tag; empty if there are none."""
    from open_clip.pretrained import get_pretrained_cfg

    return get_pretrained_cfg(model, tag) if model else {}


def download(published: dict, address: str, remedy: str) -> Path:
    """The file of :func:`get_published`, which open_clip downloads once.

    Raises:
        ConnectionError: the download failed.
    """
    from open_clip.pretrained import download_pretrained

    try:
        return Path(download_pretrained(published))
    except Exception as error:  # each download source raises its own errors
        raise ConnectionError(
            f'{address} could not be downloaded ({type(error).__name__}: '
            f'{(str(error).splitlines() or [""])[0]}). Without internet, give a file: {remedy}.'
        ) from error


def _hugging_face_quick_gelu(config: Path) -> Any:
    if not config.is_file():
        return None
    vision = read_json(config, 'CLIP config', 'restore it', expected=dict).get('vision_config') or {}
    if not isinstance(vision, dict):
        raise ValueError(f'CLIP config {config}: vision_config must be an object, got {vision!r:.60}.')
    return vision.get('hidden_act', 'quick_gelu') == 'quick_gelu'  # the default of CLIPVisionConfig


def _from_hugging_face(weights: Dict[str, Tensor]) -> Dict[str, Tensor]:
    """Rename, join query, key and value, and transpose the projections (``Linear`` stores ``[out, in]``)."""
    renamed = {}
    for name, value in weights.items():
        for pattern, replacement in HUGGING_FACE_RENAMES:
            name = re.sub(pattern, replacement, name)
        renamed[name] = value.t() if name in ('visual.proj', 'text.text_projection') else value
    for name in [name for name in renamed if '.self_attn.q_proj.' in name]:
        parts = [renamed.pop(name.replace('.q_proj.', f'.{letter}_proj.')) for letter in 'qkv']
        prefix, kind = name.split('.self_attn.q_proj.')
        renamed[f'{prefix}.attn.in_proj_{kind}'] = cat(parts)
    return renamed
