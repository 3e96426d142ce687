from typing import List, Sequence, Tuple

import torch
from torch import Tensor

from .packing import PADDING, Reader
from .text_tokens import AnswerTokens


class Writing:
    """Continues several rounds of each row at once: c of them in each of B rows, with one token each per step.

    Args:
        reader: has read the questions.
        states: ``[B, c, D]``, of the last token of each round.
        segments: ``[B, c]``, the rounds; PADDING where a row has fewer.
        positions: ``[B, c]``, of the next token of each.
    """

    def __init__(self, reader: Reader, states: Tensor, segments: Tensor, positions: Tensor):
        self.reader, self.states, self.segments, self.positions = reader, states, segments, positions

    def add(self, ids: Tensor) -> None:
        """Append the tokens ``[B, c, m]`` to the rounds."""
        length = ids.shape[2]
        positions = self.positions[..., None] + torch.arange(length, device=ids.device)
        hidden = self.reader.read(
            self.reader.language_model.embed(ids.flatten(1)),
            self.segments.repeat_interleave(length, dim=1),
            positions.flatten(1),
        )
        self.states = hidden.unflatten(1, ids.shape[1:])[:, :, -1]
        self.positions = self.positions + length


def write_digits(writing: Writing, tokens: AnswerTokens) -> List[Tensor]:
    """Write the digits of x and y behind ``' [0.'``; the rest of the answer is given, so that it can always be read.

    Returns:
        list: the probabilities among all digits, ``[B, c, 10]`` or ``[B, c, 1000]``, of each step.
    """
    digits = torch.tensor(tokens.digits, device=writing.states.device)
    middle = torch.tensor(tokens.middle, device=digits.device)
    probabilities: List[Tensor] = []
    for step in range(2 * tokens.steps):
        logits = writing.reader.language_model.logits(writing.states, tokens.digits)
        probabilities.append(logits.softmax(dim=-1))
        if step == 2 * tokens.steps - 1:
            return probabilities
        written = digits[logits.argmax(dim=-1)][..., None]
        if step == tokens.steps - 1:
            written = torch.cat([written, middle.expand(*written.shape[:2], -1)], dim=-1)
        writing.add(written)
    return probabilities


def write_freely(writing: Writing, num_tokens: int, banned: Sequence[int]) -> Tuple[Tensor, Tensor]:
    """Write the most likely tokens but ``banned`` ones: ids and probabilities ``[B, c, num_tokens]``.

    The published program bans the end token: all answers have 13 tokens.
    """
    ids, probabilities = [], []
    for step in range(num_tokens):
        logits = writing.reader.language_model.logits(writing.states)
        logits[..., list(banned)] = -torch.inf
        best = logits.softmax(dim=-1).max(dim=-1)
        ids.append(best.indices)
        probabilities.append(best.values)
        if step < num_tokens - 1:
            writing.add(best.indices[..., None])
    return torch.stack(ids, dim=-1), torch.stack(probabilities, dim=-1)


def last_states(hidden: Tensor, ends: Sequence[Sequence[int]]) -> Tuple[Tensor, Tensor]:
    """States ``[B, c, D]`` at the index of the last token of each round, and their segments ``[B, c]``.

    The rounds of a row are numbered from 1; rows with fewer than c are padded.
    """
    number = max(map(len, ends))
    index = torch.tensor([[*own, *[0] * (number - len(own))] for own in ends], device=hidden.device)
    segments = torch.tensor(
        [[*range(1, len(own) + 1), *[PADDING] * (number - len(own))] for own in ends], device=hidden.device
    )
    return hidden.gather(1, index[..., None].expand(-1, -1, hidden.shape[2])), segments
