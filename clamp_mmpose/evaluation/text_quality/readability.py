"""The Flesch-Kincaid grade (Kincaid et al., 1975): years of school that a reader of English needs."""

import math
import re
from functools import lru_cache
from typing import Any, Optional, Sequence

from .splitting import missing, plain_words

SENTENCE = re.compile(r'\b[^.!?]+[.!?]*')  # of textstat


def flesch_kincaid_grade(words: int, syllables: int, sentence_count: int) -> float:
    """``0.39 words per sentence + 11.8 syllables per word - 15.59``."""
    return 0.39 * words / sentence_count + 11.8 * syllables / words - 15.59


def readability(sentences: Sequence[str]) -> Optional[float]:
    """The grade of a text, given as its sentences, with syllables by Pyphen; None for a text without words.

    The formula and the syllables are for English; a grade of another language means little.
    """
    spoken = [words for words in map(plain_words, sentences) if words]
    words = [word for row in spoken for word in row]
    return flesch_kincaid_grade(len(words), count_syllables(words), len(spoken)) if words else None


def published_readability(text: str) -> float:
    """The grade as textstat 0.7.3 computes it, which FocusCLIP reports.

    Sentences of at most two words do not count (but one always does), both averages and the grade are rounded to one
    decimal, and a grade below 0 by its floor: -3.4 becomes -3.5.
    """
    words = plain_words(text)
    if not words:
        return _round(-15.59)
    counted = sum(len(plain_words(sentence)) > 2 for sentence in SENTENCE.findall(text))
    per_sentence = _round(len(words) / max(1, counted))
    per_word = _round(count_syllables(words) / len(words))
    return _round(0.39 * per_sentence + 11.8 * per_word - 15.59)


def count_syllables(words: Sequence[str]) -> int:
    """Syllables of lower-case words without punctuation, by the hyphens of Pyphen's American dictionary.

    Raises:
        ImportError: Pyphen is missing.
    """
    return sum(map(_syllables, words))


@lru_cache(maxsize=100_000)
def _syllables(word: str) -> int:
    return len(_hyphens().positions(word)) + 1


@lru_cache(maxsize=1)
def _hyphens() -> Any:
    try:
        from pyphen import Pyphen
    except ImportError as error:
        raise missing('pyphen') from error
    return Pyphen(lang='en_US')


def _round(number: float) -> float:
    return math.floor(number * 10 + math.copysign(0.5, number)) / 10
