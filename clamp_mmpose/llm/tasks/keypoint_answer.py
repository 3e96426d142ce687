"""Names and descriptions of keypoints in the answer of a language model."""

import re
from typing import Any, List, NamedTuple, Optional, Sequence, Tuple

from clamp_mmpose.language.clean_text import alike, clean_text, comparable
from clamp_mmpose.language.keypoint_sentences import plain_names
from clamp_mmpose.language.sides import OTHER, find_sides, side_of, side_words
from clamp_mmpose.utils.files import parse_json

FENCE = re.compile(r'^[ \t]*```[\w-]*[ \t]*$', re.MULTILINE)
# '3. left ear: The left ear is ...', '- **left ear**: ...'
LINE = re.compile(
    r'^[ \t]*(?:[-*•][ \t]+)?(?:(\d+)[.):][ \t]*)?[*_"`]*([^:*_"`]+?)[*_"`]*[ \t]*:[*_]*[ \t]*(.+?)[ \t]*$'
)
LONGEST_NAME, LONGEST = 60, 400  # characters
NAMES, TEXTS = ('name', 'keypoint'), ('description', 'sentence', 'text')


class KeypointText(NamedTuple):
    """A name, and the sentence that says where the keypoint is."""

    name: str
    description: str


def parse_keypoint_texts(text: str) -> List[KeypointText]:
    """The texts in their order, from JSON (a list of ``{"index", "name", "description"}``, or ``{name: description}``,
    alone or under one key) or lines 'name: description', which may be numbered.

    Raises:
        ValueError: neither of them, or the numbers are not in order; the message says why.
    """
    text = FENCE.sub('', text).strip()
    found = _from_json(text)
    if found is None:
        lines = [LINE.match(line) for line in text.split('\n')]
        found = [(int(line[1]) if line[1] else None, line[2], line[3]) for line in lines if line]
    if not found:
        raise ValueError('no names and descriptions: expected a JSON list, or lines "name: description"')
    numbers = [number for number, _, _ in found]
    if any(number is not None for number in numbers):
        first = 0 if numbers[0] == 0 else 1
        if numbers != list(range(first, first + len(numbers))):
            raise ValueError(f'the keypoints must be in the given order, got the numbers {numbers!s:.60}')
    try:
        return [KeypointText(clean_text(name), clean_text(description)) for _, name, description in found]
    except ValueError as error:
        raise ValueError(f'a text is not clean: {error}') from error


def check_keypoint_texts(texts: Sequence[KeypointText], names: Sequence[str], flip_indices: Sequence[int]) -> None:
    """Check the texts against the names and counterparts of the annotations.

    Raises:
        ValueError: another number of texts, names that are empty, alike, too long or those of other keypoints, another
            side than the given name's, other counterparts, or a description that speaks of the wrong side only.
    """
    if len(texts) != len(names):
        raise ValueError(f'expected texts for {len(names)} keypoints, got {len(texts)}')
    for number, (name, description) in enumerate(texts):
        if not name or not description or len(name) > LONGEST_NAME or len(description) > LONGEST:
            raise ValueError(
                f'keypoint {number} needs a name of at most {LONGEST_NAME} characters and a sentence of at most '
                f'{LONGEST}, got {name!r:.80} and {description!r:.80}'
            )
    same = alike([name for name, _ in texts])
    if same:
        raise ValueError(f'two keypoints are named {same[0][0]!r}: names must differ')
    names = plain_names(names, flip_indices)
    known = {comparable(name): number for number, name in enumerate(names)}
    for number, (name, description) in enumerate(texts):
        place = known.get(comparable(name), number)
        if place != number:
            raise ValueError(f'keypoint {number} is called {name!r}, the given name of keypoint {place}')
        given, own = side_of(names[number]), side_of(name)
        if given is not None and own != given:
            raise ValueError(f'keypoint {number}, {names[number]!r}, must be on the {given}, got {name!r}')
        sides = set(OTHER) & set(side_words(description))
        if own is not None and sides == {OTHER[own]}:
            raise ValueError(f'the description of {name!r} speaks of the {OTHER[own]} side only')
    _check_counterparts([name for name, _ in texts], names, flip_indices)


def counterparts(names: Sequence[str], flip_indices: Sequence[int]) -> List[int]:
    """Those of the annotations, or, if these have none, those that the names tell."""
    given = list(flip_indices)
    return given if given != list(range(len(given))) else list(find_sides(names).flip_indices)


def _check_counterparts(own: Sequence[str], names: Sequence[str], flip_indices: Sequence[int]) -> None:
    expected, found = counterparts(own, flip_indices), find_sides(own).flip_indices
    wrong = [i for i, (first, second) in enumerate(zip(expected, found)) if first != second]
    # where the given names tell no sides, the new ones need not tell them either
    wrong = [i for i in wrong if side_of(names[i]) is not None or found[i] != i or side_of(own[i]) is not None]
    if wrong:
        other = own[expected[wrong[0]]] if expected[wrong[0]] != wrong[0] else 'none'
        raise ValueError(
            f'the counterpart of {own[wrong[0]]!r} is {other!r}, but the names say otherwise: '
            'they must differ in left and right alone'
        )


def _from_json(text: str) -> Optional[List[Tuple[Optional[int], str, str]]]:
    """None: the text is not JSON."""
    start = re.search(r'[\[{]', text)
    if start is None or (LINE.match(text.split('\n')[0]) and not text.startswith(('[', '{'))):
        return None
    end = max(text.rfind(']'), text.rfind('}')) + 1
    try:
        content = parse_json(text[start.start() : end])
    except ValueError as error:
        if text.startswith(('[', '{')):
            raise ValueError(f'it starts like JSON, but {error}') from error
        return None
    return _entries(content)


def _entries(content: Any) -> List[Tuple[Optional[int], str, str]]:
    if isinstance(content, dict):
        if len(content) == 1 and isinstance(next(iter(content.values())), (list, dict)):
            return _entries(next(iter(content.values())))
        content = [dict(name=name, description=text) for name, text in content.items()]
    found = []
    for item in content if isinstance(content, list) else [content]:
        if (
            isinstance(item, dict) and len(item) == 1 and not set(item) & {*NAMES, *TEXTS}
        ):  # {"left ear": "The left ear is ..."}
            ((name, text),) = item.items()
            item = dict(name=name, description=text)
        values = item if isinstance(item, dict) else {}
        name = next((values[key] for key in NAMES if key in values), None)
        text = next((values[key] for key in TEXTS if key in values), None)
        if not isinstance(name, str) or not isinstance(text, str):
            raise ValueError(f'the JSON must hold "name" and "description" of each keypoint, got {item!r:.60}')
        index = values.get('index')
        found.append((index if type(index) is int else None, name, text))
    return found
