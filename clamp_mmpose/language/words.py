"""Words of texts, and vocabularies of them, for small text encoders that are trained from scratch."""

import re
from collections import Counter
from pathlib import Path
from typing import Iterable, List, Union

from clamp_mmpose.utils.files import atomic_write, read_json, to_json

WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?|\d|[^\w\s]|_")
REMEDY = 'write_vocabulary makes it from the texts of the training data'


def split_words(text: str) -> List[str]:
    """Lower-case words, digits and punctuation marks: "A man's 12." -> a, man's, 1, 2, '.'."""
    return WORD.findall(text.lower())


def write_vocabulary(path: Union[str, Path], texts: Iterable[str], min_count: int = 1) -> List[str]:
    """Write the words that occur in texts at least ``min_count`` times, frequent ones first, to a JSON file."""
    counts = Counter(word for text in texts for word in split_words(text))
    words = sorted((word for word, count in counts.items() if count >= min_count), key=lambda word: -counts[word])
    if not words:
        raise ValueError(f'the texts have no word that occurs {min_count} times or more.')
    atomic_write(Path(path), to_json(words, 'the vocabulary', 0).encode())
    return words


def read_vocabulary(path: Union[str, Path]) -> List[str]:
    """The words of a file of :func:`write_vocabulary`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not a JSON list of different words.
    """
    words = read_json(path, 'vocabulary', REMEDY, expected=list)
    if not words or not all(isinstance(word, str) and word for word in words) or len(set(words)) < len(words):
        raise ValueError(f'vocabulary {path} must be a list of different words.')
    return words
