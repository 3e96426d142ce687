import re
from typing import List, Sequence


def class_texts(templates: Sequence[str], words: Sequence[str]) -> List[List[str]]:
    """For each class its word in every template (FocusCLIP, appendix C.1).

    Args:
        templates: each with one ``{}``; 'a/an' before a word becomes the article that fits it.
        words: C words or phrases.

    Returns:
        list: C lists of as many texts as templates.

    Raises:
        ValueError: no templates, one without ``{}``, an empty word.
    """
    bad = [template for template in templates if template.count('{}') != 1]
    if bad or not templates:
        raise ValueError(f'a template needs one {{}}, the place of the class; got {bad or "none"}.')
    if not all(word.strip() for word in words):
        raise ValueError(f'the words of classes must not be empty, got {list(words)}.')
    return [[_with_article(template.format(word)) for template in templates] for word in words]


def _with_article(text: str) -> str:
    """'a/an' is 'an' before the letter of a vowel, but 'a' before 'eu', 'uni', 'use' and 'one'."""
    text = re.sub(r'\ba/an (?=(?:eu|uni|use|one\b))', 'a ', text, flags=re.IGNORECASE)
    return re.sub(r'\ba/an (?=(\w))', lambda found: 'an ' if found[1].lower() in 'aeiou' else 'a ', text)
