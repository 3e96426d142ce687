"""Lexical diversity: MTLD (McCarthy & Jarvis, 2010), the mean length of word sequences that keep a type-token ratio."""

from typing import Callable, Optional, Sequence, Tuple

THRESHOLD = 0.72  # of the type-token ratio
SHORTEST = 10  # words of a factor, in lexical-diversity


def mtld(words: Sequence[str]) -> Optional[float]:
    """MTLD of a text, the mean of both directions, as lexicalrichness 0.5.1 computes it; None without words.

    A text whose words never repeat has its number of words.
    """
    return mean_length(len(words), factors(words)) if words else None


def factors(words: Sequence[str]) -> Tuple[float, float]:
    """The number of factors in either direction, 0 if no word repeats.

    The MTLD of many texts is the sum of their words over the sum of their mean factors, whatever their order.
    """
    return _factors(words, _reaches), _factors(words[::-1], _reaches)


def mean_length(words: int, counts: Tuple[float, float]) -> float:
    """MTLD from the number of words and the factors in either direction."""
    return sum(words / (count or 1) for count in counts) / 2


def published_mtld(words: Sequence[str]) -> float:
    """MTLD as lexical-diversity 0.1.1 computes it, which FocusCLIP reports.

    A factor has at least 10 words and a ratio below the threshold, and the last word never ends one. It is 0 if no
    word repeats.
    """
    total = 0.0
    for order in (words, words[::-1]):
        count = _factors(order, _falls_below, last_ends=False)
        total += len(order) / count if count else 0
    return total / 2


def _reaches(types: int, length: int) -> bool:
    return types / length <= THRESHOLD


def _falls_below(types: int, length: int) -> bool:
    return types / length < THRESHOLD and length >= SHORTEST


def _factors(words: Sequence[str], ends: Callable[[int, int], bool], last_ends: bool = True) -> float:
    """Complete factors, and the part of one at the end."""
    types, length, count = set(), 0, 0.0
    for number, word in enumerate(words, 1):
        types.add(word)
        length += 1
        if (last_ends or number < len(words)) and ends(len(types), length):
            types, length, count = set(), 0, count + 1
    return count + (1 - len(types) / length) / (1 - THRESHOLD) if length else count
