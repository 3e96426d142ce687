"""CLIP's towers as open_clip builds them; the only place that uses private functions of open_clip."""

import copy
from typing import Callable, Optional, Union

from torch import nn


def clip_architecture(arch: Union[str, dict]) -> dict:
    """The architecture of a CLIP model, in the form of open_clip's JSON.

    Args:
        arch: an open_clip name (``'ViT-B-16-quickgelu'``), or a dict of that form: ``embed_dim``,
            ``vision_cfg``, ``text_cfg``, optionally ``quick_gelu``.

    Raises:
        ValueError: unknown name, or a dict without ``embed_dim``.
    """
    if isinstance(arch, str):
        import open_clip  # slow, and other models do not need it

        config = open_clip.get_model_config(arch)
        if config is None:
            stem = arch.split('-quickgelu')[0].split('-')[0]
            near = [name for name in open_clip.list_models() if name.startswith(stem)]
            raise ValueError(f'open_clip has no architecture {arch!r}; similar: {", ".join(near) or "none"}.')
        return config
    if 'embed_dim' not in arch:
        raise ValueError(
            f'arch needs "embed_dim", "vision_cfg" and "text_cfg", as in open_clip\'s JSON; got {sorted(arch)}.'
        )
    return copy.deepcopy(dict(arch))


def build_image_tower(architecture: dict, image_size: Optional[int] = None) -> nn.Module:
    """The image tower of an architecture, with random weights.

    Args:
        architecture: see :func:`clip_architecture`.
        image_size: side in pixels of the square that position embeddings are for; None: the architecture's own.
    """
    vision_cfg = dict(architecture['vision_cfg'])
    if image_size is not None:
        vision_cfg['image_size'] = image_size
    return _builder('_build_vision_tower')(architecture['embed_dim'], vision_cfg, architecture.get('quick_gelu', False))


def build_text_tower(architecture: dict) -> nn.Module:
    """The text tower of an architecture, see :func:`clip_architecture`, with random weights."""
    return _builder('_build_text_tower')(
        architecture['embed_dim'], architecture['text_cfg'], architecture.get('quick_gelu', False)
    )


def _builder(name: str) -> Callable:
    """A private function of open_clip."""
    import open_clip

    try:
        return getattr(open_clip.model, name)
    except AttributeError as error:
        raise ImportError(
            f'clamp_mmpose builds the towers of CLIP with {name} of open_clip, which version {open_clip.__version__} '
            'lacks: pip install "open_clip_torch>=2.30,<4", as tested.'
        ) from error
