"""Words for numbers, plurals and people in an image."""

from typing import Dict, List, Sequence

from clamp_mmpose.language.image_facts import ImageFacts

from .relations import box_of, center_of

NUMBERS = (
    'no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve',
    'thirteen', 'fourteen', 'fifteen', 'sixteen', 'seventeen', 'eighteen', 'nineteen', 'twenty',
)  # fmt: skip
ORDINALS = (
    'first', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth', 'ninth', 'tenth', 'eleventh',
    'twelfth', 'thirteenth', 'fourteenth', 'fifteenth', 'sixteenth', 'seventeenth', 'eighteenth', 'nineteenth',
    'twentieth',
)  # fmt: skip
PLURALS = dict(person='people', sheep='sheep', deer='deer', fish='fish', bison='bison', mouse='mice', wolf='wolves')


def number_word(number: int) -> str:
    return NUMBERS[number] if number < len(NUMBERS) else 'many'


def plural(noun: str) -> str:
    """'person' -> 'people', 'fox' -> 'foxes'."""
    *before, last = noun.split(' ')
    if last in PLURALS:
        last = PLURALS[last]
    elif last.endswith(('s', 'x', 'ch', 'sh')):
        last += 'es'
    elif last.endswith('y') and last[-2:-1] not in tuple('aeiou'):
        last = f'{last[:-1]}ies'
    else:
        last += 's'
    return ' '.join([*before, last])


def counted(number: int, noun: str) -> str:
    """'one person', 'two people', 'many people'."""
    return f'{number_word(number)} {noun if number == 1 else plural(noun)}'


def from_left(facts: ImageFacts, indices: Sequence[int]) -> List[int]:
    """Indices of instances from left to right."""
    return sorted(indices, key=lambda i: center_of(box_of(facts.instances[i])))


def names_by_position(facts: ImageFacts) -> Dict[int, str]:
    """How each instance is called: 'the person on the left'; instances beyond forty of a category have no name."""
    groups: Dict[str, List[int]] = {}
    for i, one in enumerate(facts.instances):
        groups.setdefault(one.category, []).append(i)
    names = {}
    for category, indices in groups.items():
        words = _positions(len(indices))
        names.update({i: word.format(category) for i, word in zip(from_left(facts, indices), words) if word})
    return names


def _positions(count: int) -> List[str]:
    if count <= 3:
        return [
            ['the {}'],
            ['the {} on the left', 'the {} on the right'],
            ['the {} on the left', 'the {} in the middle', 'the {} on the right'],
        ][count - 1]
    words = [f'the {word} {{}} from the left' for word in ORDINALS[: (count + 1) // 2]]
    tail = [f'the {word} {{}} from the right' for word in ORDINALS[: count // 2]]
    words[0] = 'the {} on the far left'
    tail[0] = 'the {} on the far right'
    return [*words, *[''] * (count - len(words) - len(tail)), *reversed(tail)]
