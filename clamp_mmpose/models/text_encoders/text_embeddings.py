from typing import Dict, Optional, Sequence, Tuple

import torch
from mmengine.logging import MMLogger
from mmengine.model import BaseModule
from torch import Tensor, nn

from clamp_mmpose.models.utils.cached import is_replica
from clamp_mmpose.models.utils.weight_stamp import WeightStamp, weights_in

CHUNK = 256  # texts that are encoded at once
Kept = Tuple[Optional[WeightStamp], Dict[str, int], Optional[Tensor]]
EMPTY: Kept = (None, {}, None)


class TextEmbeddings(BaseModule):
    """A text encoder that embeds each distinct text once.

    A frozen encoder's embeddings are kept in memory. An encoder that is trained runs on each batch, and its embeddings
    are kept in eval mode only. A change of its weights, moving and converting it clear the cache; a copy starts
    without it.

    Args:
        encoder: maps N texts to ``[N, D]``; has ``embed_dims`` (D) and ``tune`` (whether it is trained).
    """

    def __init__(self, encoder: nn.Module):
        super().__init__()
        self.encoder = encoder
        self.embed_dims: int = encoder.embed_dims
        # the weights, the row of each text, and the table; replaced as a whole, never changed in place, so that threads
        # can share it
        self._kept: Kept = EMPTY

    def forward(self, texts: Sequence[str]) -> Tensor:
        """N texts -> ``[N, D]``, float32, on the encoder's device."""
        if self.encoder.tune and (self.training or torch.is_grad_enabled()):
            return self.encoder(texts)
        if is_replica(self):
            with torch.no_grad():
                return self.encoder(texts).float()
        rows, table = self.remember(texts)
        return table[[rows[text] for text in texts]]

    @torch.no_grad()
    def remember(self, texts: Sequence[str]) -> Tuple[Dict[str, int], Optional[Tensor]]:
        """Embed new texts; returns the row of each known text, and the table ``[N, D]``."""
        stamp, rows, table = self._kept
        # training leaves a frozen encoder alone: comparing values would wait for the GPU in each step
        if stamp is not None and not stamp.matches(WeightStamp(weights_in(self.encoder), values=not self.training)):
            stamp, rows, table = EMPTY
        new = [text for text in dict.fromkeys(texts) if text not in rows]
        if not new:
            return rows, table
        stamp = stamp or WeightStamp(weights_in(self.encoder))
        tables = [] if table is None else [table]
        for start in range(0, len(new), CHUNK):
            chunk = new[start : start + CHUNK]
            tables.append(self.encoder(chunk).float())
            if len(new) > CHUNK:
                MMLogger.get_current_instance().info(f'{start + len(chunk)} of {len(new)} texts embedded')
        rows = {**rows, **{text: len(rows) + i for i, text in enumerate(new)}}
        table = torch.cat(tables)
        self._kept = stamp, rows, table
        return rows, table

    def forget(self) -> None:
        """Clear the cache."""
        self._kept = EMPTY

    def train(self, mode: bool = True) -> 'TextEmbeddings':
        if self.encoder.tune:
            self.forget()
        return super().train(mode)

    def _apply(self, *args, **kwargs) -> 'TextEmbeddings':
        self.forget()
        return super()._apply(*args, **kwargs)

    def __getstate__(self) -> dict:
        return dict(self.__dict__, _kept=EMPTY)
