import copy
from typing import Any, List, NamedTuple, Optional, Sequence

import torch
from torch import Tensor

from .causal_language_model import CausalLanguageModel

IMAGE, ANSWER = -1, -2  # in place of token ids: an image token, and the token whose state gives the answer
SHARED, PADDING = 0, -1  # segments


class Row:
    """One sequence of the language model: what all rounds share, and the rounds.

    A token of a round attends to what is shared and to its own round. Each round's positions begin after the shared
    part, as if it were the only one.
    """

    def __init__(self, shared: int = 0) -> None:
        self.ids: List[int] = []
        self.segments: List[int] = []
        self.positions: List[int] = []
        self.labels: List[int] = []
        self.shared = shared  # length of the shared part, which may be in the cache

    def add(self, ids: Sequence[int], segment: int = SHARED, learned: bool = False) -> int:
        """Append tokens, and return the index of the last one.

        ``segment`` is the number of the round, from 1, and must not go back.
        """
        if segment == SHARED:
            start = self.shared
            self.shared += len(ids)
        elif self.segments and self.segments[-1] == segment:
            start = self.positions[-1] + 1
        else:
            start = self.shared
        self.ids += ids
        self.segments += [segment] * len(ids)
        self.positions += range(start, start + len(ids))
        self.labels += ids if learned else [-100] * len(ids)
        return len(self.ids) - 1

    def append(self, other: 'Row', segment: int, start: int) -> None:
        """Append the tokens of another row from ``start`` on, with their labels."""
        labels = self.labels + other.labels[start:]
        self.add(other.ids[start:], segment)
        self.labels = labels

    def not_learned(self) -> List[int]:
        """The tokens before the first that is learned."""
        learned = [label != -100 for label in self.labels]
        return self.ids[: [*learned, True].index(True)]

    def __len__(self) -> int:
        return len(self.ids)


class Packed(NamedTuple):
    """Rows padded to one length, each ``[B, L]``: token ids (or IMAGE, ANSWER), segments, positions, labels."""

    ids: Tensor
    segments: Tensor
    positions: Tensor
    labels: Tensor


def pack(rows: Sequence[Row], device: Any) -> Packed:
    """Pad rows on the right."""
    longest = max(map(len, rows))

    def padded(values: str, fill: int) -> Tensor:
        lists = (getattr(row, values) for row in rows)
        return torch.tensor([list(own) + [fill] * (longest - len(own)) for own in lists], device=device)

    return Packed(padded('ids', 0), padded('segments', PADDING), padded('positions', 0), padded('labels', -100))


class Reader:
    """Reads packed rows, and more tokens after them, with a cache.

    Args:
        language_model: reads them.
        keep: keep the cache, to read more.
    """

    def __init__(self, language_model: CausalLanguageModel, keep: bool = False):
        self.language_model = language_model
        self.keep = keep
        self.cache: Any = None
        self.segments: Optional[Tensor] = None  # of all tokens in the cache

    def read(self, embeddings: Tensor, segments: Tensor, positions: Tensor) -> Tensor:
        """Embeddings of new tokens ``[B, L, D]``, their segments and positions ``[B, L]`` -> hidden states."""
        seen = segments if self.segments is None else torch.cat([self.segments, segments], dim=1)
        allowed = attention(segments, seen)
        hidden, self.cache = self.language_model(embeddings, allowed, positions, self.cache, self.keep)
        self.segments = seen if self.keep else None
        return hidden

    def copied(self, times: int) -> 'Reader':
        """A reader that has read each row ``times`` times; what it reads next is not in the cache of this one."""
        other = Reader(self.language_model, keep=True)
        other.cache = copy.deepcopy(self.cache)
        other.cache.batch_repeat_interleave(times)
        other.segments = self.segments.repeat_interleave(times, dim=0)
        return other


def attention(segments: Tensor, seen: Tensor) -> Optional[Tensor]:
    """Which tokens ``[B, S]`` the new ones, the last L, attend to: ``[B, L, S]``; None: all before them."""
    length, total = segments.shape[1], seen.shape[1]
    # one segment with padding behind it needs no mask: no token attends to what follows
    if length == total and not (segments > SHARED).any():
        return None
    before = torch.ones(length, total, dtype=torch.bool, device=seen.device).tril(total - length)
    return before & ((seen[:, None] == SHARED) | (seen[:, None] == segments[:, :, None])) & (seen[:, None] != PADDING)
