import io
from pathlib import Path
from typing import Dict, Set

import torch
from torch import Tensor

from clamp_mmpose.utils.files import atomic_write, to_json

from .reader import NOTES


def write_checkpoint(content: dict, path: Path) -> None:
    """Save a checkpoint as :func:`torch.save` does; after a failure the file is unchanged."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    atomic_write(path, buffer.getvalue())


def write_safetensors(weights: Dict[str, Tensor], path: Path, meta: dict) -> None:
    """Save weights and plain notes about them; :func:`read_checkpoint` reads both.

    Args:
        weights: by name; tensors that share memory are written each.
        path: ends in ``.safetensors``; after a failure the file is unchanged.
        meta: as in a checkpoint, values that JSON can hold.
    """
    from safetensors.torch import save

    seen: Set[int] = set()
    separate = {}
    for name, value in weights.items():
        value = value.detach().cpu().contiguous()
        separate[name] = value.clone() if value.untyped_storage().data_ptr() in seen else value
        seen.add(value.untyped_storage().data_ptr())
    atomic_write(path, save(separate, {'format': 'pt', NOTES: to_json(meta, 'notes')}))
