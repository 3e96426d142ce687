import html
import re
import unicodedata
from functools import lru_cache
from typing import Dict, Iterable, List, Tuple

import ftfy

LONGEST = 2000  # characters; text encoders read some 100 to 2000, and CLIP's tokenizer takes very long for long words
# format characters are invisible too, but have a category of their own
INVISIBLE = re.compile('[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\U000e0000-\U000e0fff]')
KINDS = dict(Cc='a control character', Cf='a format character', Zl='a line break', Zp='a line break')


@lru_cache(maxsize=8192)
def clean_text(text: str) -> str:
    """A text as it is shown and given to a text encoder: one line, without HTML entities, accents composed.

    Whitespace, also tabs and non-breaking spaces, becomes single spaces.

    Raises:
        ValueError: the text has more than 2000 characters, cannot be written as UTF-8 (lone surrogates), or holds
            control, format or invisible characters.
    """
    if len(text) > LONGEST:
        raise ValueError(f'{text[:20]!r}... has {len(text):,} characters: give at most {LONGEST:,}.')
    if any('\ud800' <= character <= '\udfff' for character in text):
        raise ValueError(f'{text!r:.80} cannot be written as UTF-8 (half of a character pair): write it again.')
    text = html.unescape(html.unescape(text))  # twice, as CLIP's tokenizer
    text = unicodedata.normalize('NFC', text.strip()).translate({0xFE0E: None, 0xFE0F: None})  # emoji or text style
    for character in text:
        kind = KINDS.get(unicodedata.category(character)) if character != '\t' else None
        if kind is None and INVISIBLE.match(character):
            kind = 'an invisible character'
        if kind is not None:
            raise ValueError(f'{text!r:.80} holds {kind}, U+{ord(character):04X}: remove it.')
    return ' '.join(text.split())


@lru_cache(maxsize=8192)
def comparable(text: str) -> str:
    """What CLIP's tokenizer reads of a clean text; texts with the same tokens are equal here.

    As the tokenizer does, it repairs wrong encodings, ligatures and wide letters, and ignores capitals and spaces that
    separate no words.
    """
    text = clean_text(ftfy.fix_text(text)).lower()
    # 'l 1' and 'l1' have the same tokens; spaces matter only between two letters or between two signs
    return re.sub(' ', lambda space: ' ' * (_kind(text[space.start() - 1]) == _kind(text[space.end()]) != 'N'), text)


def _kind(character: str) -> str:
    kind = unicodedata.category(character)[0]
    return kind if kind in 'LN' else 'sign'


def alike(texts: Iterable[str]) -> List[Tuple[str, str]]:
    """Pairs of clean texts that the text encoder cannot tell apart, as they are written."""
    first: Dict[str, str] = {}
    pairs = []
    for text in texts:
        key = comparable(text)
        if key in first:
            pairs.append((first[key], text))
        first.setdefault(key, text)
    return pairs
