"""The measures of texts, and those of them that need neither images nor other programs."""

from collections import Counter
from typing import Dict, List, NamedTuple, Sequence

import numpy as np

from clamp_mmpose.language.text_leaks import find_leaks

from .diversity import factors, mean_length
from .readability import readability
from .repetition import duplicate_shares, ngram_repetition
from .scores import Scores, scores_of
from .splitting import letter_words, plain_words, sentences, tokens_of_sentences
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
    split = [sentences(text, 'paragraph') for text in written]
    words = [letter_words(text) for text in written]
    counts = [factors(row) for row in words]
    lengths = [len(row) for row in words]
    return dict(
        readability=scores_of([readability(row) for row in split]),
        mtld=scores_of([mean_length(length, count) if length else None for length, count in zip(lengths, counts)]),
        mtld_pooled=Scores(_array(lengths), _array([sum(count) / 2 for count in counts])),
        repetition=percent([ngram_repetition(_lower_tokens(row), n) for row in split]),
        length=scores_of([len(plain_words(text)) for text in written]),
        duplicates=percent(duplicate_shares(written)),
    )


def leaks_of(text: Text) -> Dict[str, int]:
    """How often a text or its questions leak the annotations, by kind of leak."""
    return dict(Counter(leak.kind for part in (text.text, text.questions) for leak in find_leaks(part)))


def percent(shares: Sequence[float]) -> Scores:
    """The mean of one share per text, in percent."""
    return scores_of([100 * share for share in shares])


def _lower_tokens(split: Sequence[str]) -> List[str]:
    return [token.lower() for token in tokens_of_sentences(split)]


def _array(values: Sequence[float]) -> np.ndarray:
    return np.array(values, np.float64)
