"""Attributes of a bird or another object as a sentence, by rules."""

import re
from typing import Dict, List, Sequence

PLURALS = dict(wing='wings', leg='legs', eye='eyes', upperparts='upperparts', underparts='underparts')
LENGTHS = {'about the same as head': 'about as long as its head'}  # 'longer than head' -> 'longer than its head'


def grouped(attributes: Sequence[str]) -> Dict[str, List[str]]:
    """``['wing color: brown', 'wing color: grey']`` as ``{'wing color': ['brown', 'grey']}``."""
    groups: Dict[str, List[str]] = {}
    for attribute in attributes:
        kind, _, value = attribute.partition(': ')
        groups.setdefault(kind, []).append(value or 'yes')
    return groups


def attribute_sentence(attributes: Sequence[str], subject: str = 'bird') -> str:
    """'a photo of a small bird with a hooked bill, brown and grey wings, and a striped pattern on the breast.'

    What is in brackets, such as CUB's sizes in inches, is left out.

    Args:
        attributes: texts 'part quality: value', of CUB's qualities: color, pattern, shape, length, size.
        subject: a word for the object.
    """
    groups = {kind: _joined(values) for kind, values in grouped(attributes).items()}
    size, shape, color = (groups.pop(kind, '') for kind in ('size', 'shape', 'primary color'))
    traits = [trait for kind, value in groups.items() for trait in _trait(kind, value)]
    start = f'a photo of {_with_article(" ".join(filter(None, (size, color, subject))))}'
    start += f' of {shape} shape' if shape else ''
    if not traits:
        return f'{start}.'
    *others, last = traits
    return f'{start} with {", ".join(others)}{"," if len(others) > 1 else ""}{" and " if others else ""}{last}.'


def _trait(kind: str, value: str) -> List[str]:
    part, _, quality = kind.rpartition(' ')
    if quality == 'pattern' and part:
        return [_with_article(f'{value} pattern on the {part}')]
    if quality == 'length' and part:
        return [f'a {part} {LENGTHS.get(value, value.replace("than head", "than its head"))}']
    if quality in ('color', 'shape') and part:
        value = re.sub(rf'[ -]{part}s?\b', '', value)  # 'notched tail', 'rounded-wings'
        return [f'{value} {PLURALS[part]}' if part in PLURALS else _with_article(f'{value} {part}')]
    return [kind if value == 'yes' else f'{kind} {value}']


def _joined(values: Sequence[str]) -> str:
    plain = dict.fromkeys(re.sub(r'\s*\(.*?\)', '', value) for value in values)
    return ' and '.join(plain)


def _with_article(words: str) -> str:
    return f'{"an" if words[:1].lower() in "aeiou" else "a"} {words}'
