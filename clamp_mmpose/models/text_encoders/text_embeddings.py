from typing import Dict, Optional, Sequence, Tuple

import torch
from mmengine.logging import MMLogger
from mmengine.model import BaseModule
from torch import Tensor, nn

from clamp_mmpose.models.utils.cached import is_replica
from clamp_mmpose.models.utils.weight_stamp import WeightStamp, weights_in

CHUNK = 256  # texts that are encoded at once
KEPT = 10_000  # texts; at least these many of the last ones are kept, at most twice as many
# the weights, the embeddings [D] of the texts used since the last exchange, and of those used before it
Kept = Tuple[Optional[WeightStamp], Dict[str, Tensor], Dict[str, Tensor]]


class TextEmbeddings(BaseModule):
    """A text encoder that embeds each distinct text once.

    A frozen encoder's embeddings are kept in memory, of the last 10,000 texts. An encoder that is trained runs on each
    batch, and its embeddings are kept in eval mode only. A change of its weights, moving and converting it clear the
    cache; a copy starts without it.

    Args:
        encoder: maps N texts to ``[N, D]``; has ``embed_dims`` (D) and ``tune`` (whether it is trained).
    """

    def __init__(self, encoder: nn.Module):
        super().__init__()
        self.encoder = encoder
        self.embed_dims: int = encoder.embed_dims
        self._kept: Kept = (None, {}, {})  # threads may share it

    def forward(self, texts: Sequence[str]) -> Tensor:
        """N texts -> ``[N, D]``, float32, on the encoder's device."""
        if self.encoder.tune and (self.training or torch.is_grad_enabled()):
            return self.encoder(texts)
        if is_replica(self):
            with torch.no_grad():
                return self.encoder(texts).float()
        embeddings = self.remember(texts)
        return torch.stack([embeddings[text] for text in texts])

    @torch.no_grad()
    def remember(self, texts: Sequence[str]) -> Dict[str, Tensor]:
        """The embedding ``[D]`` of each distinct text; new ones are encoded."""
        kept = self._kept  # another thread may replace it meanwhile
        stamp, recent, older = kept
        # training leaves a frozen encoder alone: comparing values would wait for the GPU in each step
        if stamp is None or not stamp.fits(weights_in(self.encoder), values=not self.training):
            stamp, recent, older = WeightStamp(weights_in(self.encoder)), {}, {}
        found = {}
        for text in dict.fromkeys(texts):
            embedding = recent.get(text)
            found[text] = older.get(text) if embedding is None else embedding
        new = [text for text, embedding in found.items() if embedding is None]
        for start in range(0, len(new), CHUNK):
            chunk = new[start : start + CHUNK]
            rows = self.encoder(chunk).float()
            # clones, since a row of a table would keep the whole table in memory; and no tensors of inference mode,
            # which training could not use
            with torch.inference_mode(False):
                found.update((text, row.clone()) for text, row in zip(chunk, rows))
            if len(new) > CHUNK:
                MMLogger.get_current_instance().info(f'{start + len(chunk)} of {len(new)} texts embedded')
        for text, embedding in found.items():
            if len(recent) >= KEPT and text not in recent:
                recent, older = {}, recent  # nothing is searched or copied
            recent[text] = embedding
        if recent is not kept[1] and self._kept is kept:
            self._kept = stamp, recent, older
        return found

    def forget(self) -> None:
        """Clear the cache."""
        self._kept = (None, {}, {})

    def train(self, mode: bool = True) -> 'TextEmbeddings':
        if self.encoder.tune:
            self.forget()
        return super().train(mode)

    def _apply(self, *args, **kwargs) -> 'TextEmbeddings':
        self.forget()
        return super()._apply(*args, **kwargs)

    def __getstate__(self) -> dict:
        return dict(self.__dict__, _kept=(None, {}, {}))
