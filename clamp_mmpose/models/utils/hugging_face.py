"""Models of Hugging Face's transformers from a folder or the hub: no code or pickle that comes with them is run."""

import os
from pathlib import Path
from typing import Any, Callable, ContextManager, Dict, Union

import torch
from mmengine.utils import digit_version
from torch import Tensor, nn

from clamp_mmpose.checkpoints.hub import check_folder, from_hub
from clamp_mmpose.checkpoints.packages import local_source

DTYPES = ('float32', 'bfloat16', 'float16')  # precisions of the weights


def check_safetensors(source: Union[str, Path]) -> None:
    """Check a folder as :func:`check_folder` does, and that its weights are safetensors: transformers may load pickles.

    Raises:
        ValueError: it has no safetensors file.
    """
    check_folder(source)
    folder = Path(local_source(source))
    if folder.is_dir() and not any(folder.glob('*.safetensors')):
        raise ValueError(
            f'{source} has no safetensors weights; found {sorted(os.listdir(folder))}. Save the '
            'model with save_pretrained(..., safe_serialization=True).'
        )


def load_config(source: str) -> Any:
    """The configuration of a folder, a name on the hub, a ``.gguf`` file or a ``package://`` address.

    Raises:
        FileNotFoundError, ValueError: see :func:`check_folder` and :func:`from_hub`, or it names attention code on the
            hub, which transformers would download and run.
    """
    from transformers import AutoConfig

    check_folder(source)
    config = from_hub(AutoConfig, source)
    parts = [config, *(getattr(config, name, None) for name in getattr(config, 'sub_configs', {}))]
    for part in parts:
        attention = getattr(part, '_attn_implementation', None)
        if attention is not None and '/' in str(attention):
            raise ValueError(
                f'{source} names attention code on the hub (attn_implementation: {attention!r} in its config.json), '
                'which is not run: remove the entry.'
            )
    return config


def pretrained_weights(
    kind: type, source: str, part: Callable[[nn.Module], nn.Module], **kwargs: Any
) -> Dict[str, Tensor]:
    """The weights of a part of a model that are in its files; transformers leaves the others random, and only warns.

    Args:
        kind: class of the model.
        source: a folder, a name on the hub, a ``.gguf`` file or a ``package://`` address.
        part: gives the part of the model.
        kwargs: further arguments of ``from_pretrained``.

    Raises:
        ValueError: they cannot be loaded, or are no safetensors files.
    """
    check_safetensors(source)
    load_config(source)
    model, loading = from_hub(kind, source, use_safetensors=True, output_loading_info=True, **kwargs)
    everything = model.state_dict(keep_vars=True)
    random = {id(everything[name]) for name in loading['missing_keys'] if name in everything}
    weights = part(model).state_dict(keep_vars=True)
    return {name: value.detach() for name, value in weights.items() if id(value) not in random}


def without_drawing() -> ContextManager:
    """Build a model of transformers whose weights are loaded later: drawing billions of them takes minutes."""
    try:
        from transformers.initialization import no_init_weights  # from 5 on
    except ImportError:
        from transformers.modeling_utils import no_init_weights
    return no_init_weights()


def in_precision(dtype: torch.dtype) -> Dict[str, torch.dtype]:
    """The argument of transformers that gives the precision of the weights; its name has changed."""
    import transformers

    return {'dtype' if digit_version(transformers.__version__) >= digit_version('4.56.0') else 'torch_dtype': dtype}
