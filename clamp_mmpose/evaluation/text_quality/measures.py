"""The measures of texts, and those of them that need neither images nor other programs."""

from collections import Counter
from typing import Dict, List, NamedTuple, Sequence

import numpy as np

from clamp_mmpose.language.text_leaks import find_leaks

from .diversity import mean_factors, mtld
from .readability import readability
from .repetition import duplicate_shares, ngram_repetition
from .scores import Scores, scores_of
from .splitting import letter_words, plain_words, word_tokens
from .texts import Text


class Measure(NamedTuple):
    """A row of the table: name, and whether more or less of it is better ('' if neither)."""

    title: str
    better: str = ''


MEASURES: Dict[str, Measure] = dict(
    readability=Measure('Flesch-Kincaid grade'),
    grammar_errors=Measure('Grammar errors per text', 'less'),
    mtld=Measure('MTLD, mean of the texts', 'more'),
    mtld_pooled=Measure('MTLD, pooled', 'more'),
    repetition=Measure('Repeated n-grams, %', 'less'),
    clip_score=Measure('CLIPScore', 'more'),
    consistency=Measure('Statements that fit the keypoints, %', 'more'),
    statements=Measure('Statements checked per text', 'more'),
    correctness=Measure('Human correctness, %', 'more'),
    length=Measure('Words per text'),
    leaks=Measure('Texts that leak the annotations, %', 'less'),
    duplicates=Measure('Duplicate texts, %', 'less'),
)


def has_words(text: Text) -> bool:
    """Whether a text has words: only those are measured."""
    return bool(plain_words(text.text))


def text_scores(texts: Sequence[Text], n: int = 3) -> Dict[str, Scores]:
    """Measure texts that have words each; the leaks are apart, see :func:`leaks_of`.

    Args:
        n: of the n-grams.
    """
    written = [text.text for text in texts]
    words = [letter_words(text) for text in written]
    return dict(
        readability=scores_of([readability(text) for text in written]),
        mtld=scores_of([mtld(row) for row in words]),
        mtld_pooled=Scores(_array([len(row) for row in words]), _array([mean_factors(row) for row in words])),
        repetition=percent([ngram_repetition(word_tokens(text.lower()), n) for text in written]),
        length=scores_of([len(plain_words(text)) for text in written]),
        duplicates=percent(duplicate_shares(written)),
    )


def leaks_of(text: Text) -> Dict[str, int]:
    """How often a text or its questions leak the annotations, by kind of leak."""
    return dict(Counter(leak.kind for part in (text.text, text.questions) for leak in find_leaks(part)))


def percent(shares: Sequence[float]) -> Scores:
    """The mean of one share per text, in percent."""
    return scores_of([100 * share for share in shares])


def _array(values: List[float]) -> np.ndarray:
    return np.array(values, np.float64)
