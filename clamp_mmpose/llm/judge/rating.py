"""What a judge replies about two answers, parsed strictly."""

import re
from dataclasses import dataclass, field
from typing import Any, Dict, List, Tuple

from clamp_mmpose.utils.files import parse_json

ASPECTS = ('helpfulness', 'relevance', 'accuracy', 'detail')
FENCE = re.compile(r'^```(json)?[ \t]*$', re.MULTILINE | re.IGNORECASE)
TWO_SCORES = re.compile(r'\s*(\d+(?:\.\d)?)(?: *, *| +)(\d+(?:\.\d)?)[ \t]*(?:\r?\n|$)')


@dataclass(frozen=True)
class Rating:
    """The judge's view of one answer.

    Attributes:
        score: overall, 1 to 10 in halves.
        aspects: helpfulness, relevance, accuracy and detail, 1 to 10; empty if the judge gave overall scores only.
        reason: in the judge's words.
    """

    score: float
    aspects: Dict[str, float] = field(default_factory=dict)
    reason: str = ''


def parse_ratings(text: str) -> Tuple[Rating, Rating]:
    """The ratings of the first and second answer.

    Read are a JSON object with ``assistant_1`` and ``assistant_2`` (each ``reason``, the four aspects and
    ``overall``), alone or as the only fenced block, and LLaVA's form: two scores in the first line, reasons below.

    Raises:
        ValueError: neither form, or a score is not 1, 1.5, 2 ... 10.
    """
    blocks = _blocks(text)
    if len(blocks) > 1:
        raise ValueError(f'expected one block of JSON, got {len(blocks)}')
    content = blocks[0] if blocks else text.strip()
    if not content.lstrip().startswith('{'):
        return _two_scores(content)
    ratings = parse_json(content)
    return _rating(ratings, 'assistant_1'), _rating(ratings, 'assistant_2')


def _blocks(text: str) -> List[str]:
    """The fenced blocks; one pattern for a whole block takes hours where many are opened and none is closed."""
    blocks, start = [], -1
    for fence in FENCE.finditer(text):
        if start < 0:
            start = fence.end()
        elif not fence[1]:
            blocks.append(text[start : fence.start()].strip())
            start = -1
    return blocks


def _two_scores(text: str) -> Tuple[Rating, Rating]:
    found = TWO_SCORES.match(text)
    if found is None:
        raise ValueError(f'expected a JSON object or two scores in the first line, got {text!r:.60}')
    reason = text[found.end() :].strip()
    first, second = (Rating(_score(float(number), 'a score'), reason=reason) for number in found.groups())
    return first, second


def _rating(ratings: dict, name: str) -> Rating:
    given = ratings.get(name)
    if not isinstance(given, dict):
        raise ValueError(f'expected an object under {name}, got {given!r:.40}')
    reason = given.get('reason')
    if not isinstance(reason, str):
        raise ValueError(f'expected a text under {name}.reason, got {reason!r:.40}')
    aspects = {aspect: _score(given.get(aspect), f'{name}.{aspect}') for aspect in ASPECTS}
    return Rating(_score(given.get('overall'), f'{name}.overall'), aspects, reason)


def _score(value: Any, name: str) -> float:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not 1 <= value <= 10 or value * 2 % 1:
        raise ValueError(f'expected 1 to 10 in whole or half points for {name}, got {value!r:.40}')
    return float(value)
