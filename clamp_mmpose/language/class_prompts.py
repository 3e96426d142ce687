import re
from typing import List, Sequence

from .clean_text import alike, clean_text


def class_texts(templates: Sequence[str], words: Sequence[str]) -> List[List[str]]:
    """Fill each class into every template (FocusCLIP, appendix C.1).

    Args:
        templates: each with one ``{}``; 'a/an' before it becomes the right article.
        words: C words or phrases, one for each class.

    Returns:
        list: C lists, each with one text for each template.

    Raises:
        ValueError: no templates, a template without exactly one ``{}``; a word that is empty, not clean text
            (:func:`clean_text`) or reads like another one.
    """
    bad = [template for template in templates if template.count('{}') != 1]
    if bad or not templates:
        raise ValueError(f'each template needs one {{}}, which the class replaces; got {bad or "none"}.')
    if not all(word.strip() for word in words):
        raise ValueError(f'the words for the classes must not be empty, got {list(words)}.')
    words = [clean_text(word) for word in words]
    for first, second in alike(words):
        raise ValueError(f'the words for the classes must differ, but {first!r} and {second!r} read the same.')
    return [[_with_article(template.replace('{}', word)) for template in templates] for word in words]


def _with_article(text: str) -> str:
    """'a/an' becomes 'an' before a vowel, but 'a' before 'eu', 'uni', 'use' and 'one'."""
    text = re.sub(r'\ba/an (?=(?:eu|uni|use|one\b))', 'a ', text, flags=re.IGNORECASE)
    return re.sub(r'\ba/an (?=(\w))', lambda found: 'an ' if found[1].lower() in 'aeiou' else 'a ', text)
