"""How much texts repeat: n-grams within a text, and whole texts within a file."""

from collections import Counter
from typing import List, Sequence


def ngram_repetition(tokens: Sequence[str], n: int) -> float:
    """The share of a text's n-grams that occur more than once; 0 for a text of fewer than n tokens."""
    counts = Counter(zip(*(tokens[start:] for start in range(n))))
    total = sum(counts.values())
    return sum(count for count in counts.values() if count > 1) / total if total else 0.0


def duplicate_shares(texts: Sequence[str]) -> List[float]:
    """For each text ``1 - 1 / (its copies)``; the mean is the share of texts that could be dropped as duplicates.

    Case and white space do not matter.
    """
    keys = [' '.join(text.lower().split()) for text in texts]
    counts = Counter(keys)
    return [1 - 1 / counts[key] for key in keys]
