from typing import Dict, Optional, Sequence

import torch
from mmengine.logging import MMLogger
from mmengine.model import BaseModule
from torch import Tensor, nn

CHUNK = 256  # texts that are encoded at once


class TextEmbeddings(BaseModule):
    """A text encoder that embeds each distinct text once.

    A frozen encoder's embeddings are kept in memory. An encoder that is trained runs on each batch, and its embeddings
    are kept in eval mode only. Loading weights, and moving or converting the module, drop what was kept.

    Args:
        encoder: maps N texts to ``[N, D]``; has ``embed_dims`` (D) and ``tune`` (whether it is trained).
    """

    def __init__(self, encoder: nn.Module):
        super().__init__()
        self.encoder = encoder
        self.embed_dims: int = encoder.embed_dims
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
        """Embed the texts that are not known yet."""
        new = [text for text in dict.fromkeys(texts) if text not in self._rows]
        for start in range(0, len(new), CHUNK):
            chunk = new[start : start + CHUNK]
            rows = self.encoder(chunk).float()
            self._rows.update(zip(chunk, range(len(self._rows), len(self._rows) + len(chunk))))
            self._table = rows if self._table is None else torch.cat([self._table, rows])
            if len(new) > CHUNK:
                MMLogger.get_current_instance().info(f'{start + len(chunk)} of {len(new)} texts embedded')

    def forget(self) -> None:
        """Drop what was kept."""
        self._rows, self._table = {}, None

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
