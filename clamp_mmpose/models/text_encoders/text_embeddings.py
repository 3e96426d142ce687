import hashlib
import os
import tempfile
from pathlib import Path
from typing import Dict, List, Optional, Sequence

import numpy as np
import torch
from mmengine.logging import MMLogger
from mmengine.model import BaseModule
from torch import Tensor, nn

CHUNK = 256  # texts that are encoded at once


def default_cache() -> Path:
    """``$CLAMP_MMPOSE_CACHE``, or ``~/.cache/clamp_mmpose``."""
    return Path(os.environ.get('CLAMP_MMPOSE_CACHE') or Path.home() / '.cache' / 'clamp_mmpose')


class TextEmbeddings(BaseModule):
    """A text encoder that embeds each distinct text once.

    A frozen encoder's embeddings are kept in memory and on disk, keyed by the encoder's weights and the text; an
    encoder that is trained is run on each batch, and remembers texts only in eval mode. Loading weights drops what is
    in memory.

    Args:
        encoder: maps N texts to ``[N, D]``; has ``embed_dims``, ``tune`` and ``settings``, all beside its weights that
            its embeddings depend on.
        folder: where embeddings are kept on disk; None keeps them in memory only.
    """

    def __init__(self, encoder: nn.Module, folder: Optional[str] = None):
        super().__init__()
        self.encoder = encoder
        self.embed_dims: int = encoder.embed_dims
        self.folder = None if folder is None or encoder.tune else Path(folder).expanduser()
        self._key = ''
        self._rows: Dict[str, int] = {}
        self._table: Optional[Tensor] = None

    def forward(self, texts: Sequence[str]) -> Tensor:
        """N texts -> ``[N, D]``, float32, on the encoder's device."""
        if self.encoder.tune and (self.training or torch.is_grad_enabled()):
            return self.encoder(texts)
        self.remember(texts)
        return self._table[[self._rows[text] for text in texts]]

    @torch.no_grad()
    def remember(self, texts: Sequence[str]) -> None:
        """Embed what is not known yet."""
        new = [text for text in dict.fromkeys(texts) if text not in self._rows]
        if not new:
            return
        found = {text: self._read(text) for text in new} if self.folder is not None else {}
        unknown = [text for text in new if found.get(text) is None]
        for start in range(0, len(unknown), CHUNK):
            chunk = unknown[start : start + CHUNK]
            for text, embedding in zip(chunk, self.encoder(chunk).float()):
                found[text] = embedding
                if self.folder is not None:
                    self._write(text, embedding)
            if len(unknown) > CHUNK:
                MMLogger.get_current_instance().info(f'{start + len(chunk)} of {len(unknown)} texts embedded')
        device = next(iter(self.encoder.state_dict().values())).device
        rows = torch.stack([found[text].to(device) for text in new])
        self._table = rows if self._table is None else torch.cat([self._table, rows])
        self._rows.update(zip(new, range(len(self._rows), len(self._table))))

    def forget(self) -> None:
        """Drop what is in memory."""
        self._key, self._rows, self._table = '', {}, None

    def train(self, mode: bool = True) -> 'TextEmbeddings':
        if self.encoder.tune:
            self.forget()
        return super().train(mode)

    def _apply(self, *args, **kwargs) -> 'TextEmbeddings':
        self.forget()
        return super()._apply(*args, **kwargs)

    def _load_from_state_dict(self, *args, **kwargs) -> None:
        self.forget()
        super()._load_from_state_dict(*args, **kwargs)

    def _path(self, text: str) -> Path:
        if not self._key:
            self._key = _fingerprint(self.encoder)
        return self.folder / self._key / f'{hashlib.sha256(text.encode()).hexdigest()[:32]}.npy'

    def _read(self, text: str) -> Optional[Tensor]:
        try:
            embedding = np.load(self._path(text), allow_pickle=False)
        except (OSError, ValueError, EOFError):  # not there, or cut off by a full disk
            return None
        if embedding.shape != (self.embed_dims,) or embedding.dtype != np.float32:
            return None
        return torch.from_numpy(embedding)

    def _write(self, text: str, embedding: Tensor) -> None:
        """Under another name first: whoever is killed, or writes the same at once, leaves a whole file or none."""
        path = self._path(text)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(dir=path.parent, suffix='.part')
            try:
                with os.fdopen(descriptor, 'wb') as file:
                    np.save(file, embedding.cpu().numpy())
                os.chmod(temporary, 0o644)  # for all who share the folder
                os.replace(temporary, path)
            except BaseException:
                os.unlink(temporary)
                raise
        except OSError as error:
            MMLogger.get_current_instance().warning(
                f'texts are not kept on disk, but in memory only: {error}. CLAMP_MMPOSE_CACHE names another folder.'
            )
            self.folder = None


def _fingerprint(encoder: nn.Module) -> str:
    """Of kind, settings and weights: embeddings of two encoders are never taken for one another's."""
    digest = hashlib.sha256(f'{type(encoder).__name__} {encoder.settings}'.encode())
    state: List = sorted(encoder.state_dict().items())
    for name, value in state:
        digest.update(f'{name} {tuple(value.shape)} {value.dtype}'.encode())
        digest.update(value.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:32]
