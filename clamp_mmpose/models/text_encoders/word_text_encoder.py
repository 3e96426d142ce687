from typing import List, Sequence, Tuple

import torch
from mmpose.registry import MODELS
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from clamp_mmpose.language.words import read_vocabulary, split_words

UNKNOWN, PADDING = 0, -1


@MODELS.register_module()
class WordTextEncoder(nn.Module):
    """A small text encoder for training from scratch: whole words and a transformer, K texts -> ``[K, D]``.

    Args:
        vocabulary: a file of :func:`write_vocabulary`. Other words share one embedding.
        embed_dims: D.
        num_layers, num_heads: of the transformer.
        max_length: words and punctuation marks of the longest text.
        dropout: of the transformer.
    """

    tune = True

    def __init__(
        self,
        vocabulary: str,
        embed_dims: int = 64,
        num_layers: int = 1,
        num_heads: int = 4,
        max_length: int = 256,
        dropout: float = 0.1,
    ):
        super().__init__()
        self.numbers = {word: i for i, word in enumerate(read_vocabulary(vocabulary), 1)}
        self.embed_dims = self.width = embed_dims
        self.max_length = max_length
        self.embedding = nn.Embedding(len(self.numbers) + 1, embed_dims)
        self.positions = nn.Parameter(0.02 * torch.randn(max_length, embed_dims))
        layer = nn.TransformerEncoderLayer(
            embed_dims, num_heads, 2 * embed_dims, dropout, batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, num_layers, enable_nested_tensor=False)

    def tokenize(self, texts: Sequence[str]) -> List[List[int]]:
        """The numbers of the words of each text."""
        return [[self.numbers.get(word, UNKNOWN) for word in split_words(text)] or [UNKNOWN] for text in texts]

    def special_tokens(self) -> Tuple[List[int], List[int]]:
        """The ids before and behind those of a text: none."""
        return [], []

    def embed_tokens(self, ids: Tensor) -> Tensor:
        """The numbers of words -> their embeddings ``[..., D]``, without positions."""
        return self.embedding(ids.clamp(min=UNKNOWN))

    def forward(self, texts: Sequence[str]) -> Tensor:
        """Embed texts: the mean over their words.

        Raises:
            ValueError: a text is longer than ``max_length``.
        """
        rows = [torch.tensor(row) for row in self.tokenize(texts)]
        longest = max(map(len, rows))
        if longest > self.max_length:
            text = texts[[len(row) for row in rows].index(longest)]
            raise ValueError(f'text of {longest} words; max_length is {self.max_length}: {text!r:.80}.')
        ids = pad_sequence(rows, batch_first=True, padding_value=PADDING).to(self.positions.device)
        return self._mean(self.embed_tokens(ids), ids == PADDING)

    def encode(self, embeddings: Tensor, ends: Tensor) -> Tensor:
        """Run the encoder on embeddings ``[K, L, D]``; ``ends [K]`` are the positions of the texts' last words."""
        return self._mean(embeddings, torch.arange(embeddings.shape[1], device=ends.device) > ends[:, None])

    def _mean(self, embeddings: Tensor, padding: Tensor) -> Tensor:
        """The mean over the words ``[K, D]`` of the transformer's outputs."""
        words = embeddings + self.positions[: embeddings.shape[1]]
        hidden = self.encoder(words, src_key_padding_mask=padding)
        weights = (~padding)[..., None].to(hidden.dtype)
        return (hidden * weights).sum(dim=1) / weights.sum(dim=1)
