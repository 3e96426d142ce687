"""The arithmetic of FocusCLIP's published analysis, for numbers to set beside its Table 3."""

import math
import re
from collections import Counter
from typing import Dict, List, NamedTuple, Optional, Sequence

import numpy as np

from .diversity import published_mtld
from .readability import published_readability
from .repetition import ngram_repetition
from .splitting import sentences, word_tokens

WORDS_AT_ONCE = 55  # of a text, for CLIP
TFIDF_WORD = re.compile(r'\b\w\w+\b')  # of scikit-learn


class PublishedQuality(NamedTuple):
    """Numbers about all texts of a file.

    Attributes:
        readability: mean Flesch-Kincaid grade of textstat 0.7.3.
        mtld: of all texts joined, in the order of the file, and split at spaces: case and punctuation count.
        repetition: mean share of repeated bigrams, which the paper calls a 3-gram repetition.
        tfidf_cosine: see :func:`tfidf_cosine`.
        shortest, longest, length, length_std: tokens of a text, punctuation included.
    """

    readability: float
    mtld: float
    repetition: float
    tfidf_cosine: Optional[float]
    shortest: int
    longest: int
    length: float
    length_std: float


def published_quality(texts: Sequence[str]) -> PublishedQuality:
    """Compute the published numbers of at least one text."""
    lengths = [len(word_tokens(text)) for text in texts]
    return PublishedQuality(
        readability=float(np.mean([published_readability(text) for text in texts])),
        mtld=published_mtld(' '.join(texts).split()),
        repetition=float(np.mean([published_repetition(text) for text in texts])),
        tfidf_cosine=tfidf_cosine(texts),
        shortest=min(lengths),
        longest=max(lengths),
        length=float(np.mean(lengths)),
        length_std=float(np.std(lengths)),
    )


def published_repetition(text: str) -> float:
    """The share of repeated bigrams: their function ignores its n of 3."""
    return ngram_repetition(word_tokens(text.lower()), 2)


def tfidf_cosine(texts: Sequence[str]) -> Optional[float]:
    """The mean of the matrix of tf-idf cosines between N texts, as scikit-learn's defaults weight them.

    As published, the diagonal is set to 0 but counted: the sum is divided by N squared. None if no text has a word
    of two characters.
    """
    counts = [Counter(TFIDF_WORD.findall(text.lower())) for text in texts]
    documents = Counter(word for count in counts for word in count)
    if not documents:
        return None
    rarity = {word: math.log((1 + len(texts)) / (1 + number)) + 1 for word, number in documents.items()}
    total: Dict[str, float] = {}
    filled = 0
    for count in counts:
        weights = {word: number * rarity[word] for word, number in count.items()}
        norm = math.sqrt(sum(weight**2 for weight in weights.values()))
        filled += bool(count)
        for word, weight in weights.items():
            total[word] = total.get(word, 0) + weight / norm
    # the sum over all pairs of unit vectors is the squared length of their sum
    return (sum(weight**2 for weight in total.values()) - filled) / len(texts) ** 2


def published_chunks(text: str, max_words: int = WORDS_AT_ONCE) -> List[str]:
    """Sentences; longer ones in parts of ``max_words`` tokens, whose rest is lost."""
    chunks = []
    for sentence in sentences(text):
        words = word_tokens(sentence)
        if len(words) <= max_words:
            chunks.append(sentence)
            continue
        full = len(words) // max_words * max_words
        chunks += [' '.join(words[start : start + max_words]) for start in range(0, full, max_words)]
    return chunks
