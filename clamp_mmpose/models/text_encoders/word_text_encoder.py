from typing import List, Sequence

import torch
from mmpose.registry import MODELS
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence

from clamp_mmpose.language.words import read_vocabulary, split_words

UNKNOWN = 0


@MODELS.register_module()
class WordTextEncoder(nn.Module):
    """A small text encoder for training from scratch: word embeddings and a bidirectional GRU, K texts -> ``[K, D]``.

    Args:
        vocabulary: a file of :func:`write_vocabulary`. Other words share one embedding.
        width: of a word's embedding.
        hidden: of the GRU in each direction; D is twice as much.
    """

    tune = True

    def __init__(self, vocabulary: str, width: int = 64, hidden: int = 128):
        super().__init__()
        self.numbers = {word: i for i, word in enumerate(read_vocabulary(vocabulary), 1)}
        self.embedding = nn.Embedding(len(self.numbers) + 1, width)
        self.gru = nn.GRU(width, hidden, batch_first=True, bidirectional=True)
        self.embed_dims = 2 * hidden

    def tokenize(self, texts: Sequence[str]) -> List[List[int]]:
        """The numbers of the words of each text."""
        return [[self.numbers.get(word, UNKNOWN) for word in split_words(text)] or [UNKNOWN] for text in texts]

    def forward(self, texts: Sequence[str]) -> Tensor:
        """Embed texts: the last state of each direction."""
        rows = [torch.tensor(row) for row in self.tokenize(texts)]
        lengths = torch.tensor([len(row) for row in rows])
        words = self.embedding(pad_sequence(rows, batch_first=True).to(self.embedding.weight.device))
        _, last = self.gru(pack_padded_sequence(words, lengths, batch_first=True, enforce_sorted=False))
        return torch.cat([last[0], last[1]], dim=1)
