import io
from pathlib import Path

import torch

from clamp_mmpose.utils.files import atomic_write


def write_checkpoint(content: dict, path: Path) -> None:
    """Save a checkpoint as :func:`torch.save` does; after a failure the file is unchanged."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    atomic_write(path, buffer.getvalue())
