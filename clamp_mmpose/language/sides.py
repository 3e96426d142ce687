"""Which keypoints are left and right, in any spelling, and which are partners in a mirrored image."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Container, Dict, Iterator, List, Optional, Sequence, Set, Tuple

from .clean_text import clean_text, comparable

Words = Tuple[str, ...]
OTHER = dict(left='right', right='left')
SIDES = dict(l='left', r='right', lft='left', lt='left', rgt='right', rht='right', rt='right')
# 'left', 'Right', 'LEFT-hand', 'rightmost', not 'bright' or 'upright'
SIDE_WORD = re.compile(
    r'(?:(?<![^\W\d_])(?:left|right|LEFT|RIGHT)|Left|Right)(?=(?:most|wards?|hand(?:ed)?|side)?(?![a-z]))'
)
SIDE_LETTER = re.compile(r'(?<![^\W\d_])(?:[lrLR]|lft|rgt|Lft|Rgt)(?![^\W\d_])')
MIRRORED = dict(OTHER, l='r', r='l', lft='rgt', rgt='lft')
# after 'l' or 'r', or before them, a vowel may make another word: 'leg', 'lump' and 'rump', 'heel', 'towel'; so only
# these parts count, and whatever has a consonant there ('lpaw', 'hipr')
VOWELS, LAST_VOWELS = 'aeiouy', 'aeiouyw'
BEGINNINGS = (
    'abdom',
    'ankle',
    'anten',
    'arm',
    'ear',
    'elbow',
    'eye',
    'index',
    'inner',
    'iris',
    'outer',
    'ulna',
    'upper',
)
ENDINGS = (
    'ankle',
    'brow',
    'claw',
    'elbow',
    'eye',
    'fore',
    'jaw',
    'knee',
    'knuckle',
    'nose',
    'paw',
    'shoe',
    'side',
    'toe',
)


@dataclass(frozen=True)
class Sides:
    """The sides of K keypoints.

    Attributes:
        flip_indices: for each keypoint, the index of its left/right counterpart; its own index if it has none.
        sided: whether each keypoint is, or may be, a left or right one.
        doubts: possible pairs that are not in ``flip_indices``, and why.
    """

    flip_indices: Tuple[int, ...]
    sided: Tuple[bool, ...]
    doubts: Tuple[str, ...]


def find_sides(names: Sequence[str], descriptions: Optional[Sequence[str]] = None) -> Sides:
    """Tell left from right in any spelling: 'left_eye', 'eyeL', 'L_Eye', 'Leye', 'leftpaw', 'LF paw'.

    The words left and right and the single letters L and R name a side. Glued to other letters, they do so if the list
    has the same name for the other side, and the letter does not belong to another word ('lump', 'rump'). Letters that
    count ('a', 'b', 'c', ...) are not sides. Partners differ in nothing but the side, or else have the same words in
    another order; between keypoints of the same name, descriptions decide.

    Args:
        names: K names, or 'name: description'.
        descriptions: K descriptions, '' for none; None: those in the names.
    """
    return _find_sides(tuple(names), None if descriptions is None else tuple(descriptions))


def mirrored_indices(names: Sequence[str], descriptions: Optional[Sequence[str]] = None) -> List[int]:
    """For each keypoint, the index of its left/right counterpart; its own index if it has none."""
    return list(find_sides(names, descriptions).flip_indices)


def side_of(name: str) -> Optional[str]:
    """'left' or 'right' if a word or single letter of the name says so; None for neither or both."""
    found = set(OTHER) & set(side_words(name))
    return found.pop() if len(found) == 1 else None


def side_words(name: str) -> Words:
    """The words of a name in lower case, with the letters L and R and 'lft', 'rgt' ... written as left and right."""
    return tuple(SIDES.get(word, word) for word in words_of(name))


def mirrored_words(words: Words) -> Words:
    """Left and right exchanged where they are words of their own."""
    return tuple(OTHER.get(word, word) for word in words)


def mirrored_text(text: str) -> str:
    """A text with the words left and right exchanged: 'The left-most Wheel' -> 'The right-most Wheel'."""
    return SIDE_WORD.sub(_exchanged, text)


def mirrored_name(name: str) -> str:
    """As :func:`mirrored_text`; in a name without these words, the letters L and R: 'L wheel' -> 'R wheel'."""
    mirrored = mirrored_text(name)
    return SIDE_LETTER.sub(_exchanged, name) if mirrored == name and side_of(name) else mirrored


def words_of(name: str) -> Words:
    """In lower case, split at signs, before capitals ('leftEye', 'LEye') and around digits."""
    spaced = re.sub(r'(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])', ' ', clean_text(name))
    return tuple(re.findall(r'[^\W\d_]+|\d+', comparable(spaced)))


@lru_cache(maxsize=512)
def _find_sides(names: Tuple[str, ...], descriptions: Optional[Tuple[str, ...]]) -> Sides:
    split = [name.partition(':') for name in names]
    notes = [_note(f'{part[2]} {text}') for part, text in zip(split, descriptions or [''] * len(names))]
    raw = [words_of(part[0]) for part in split]
    letters = _letters(raw)
    keys = [_with_sides(key, letters) for key in raw]
    known: Dict[Words, List[int]] = {}
    for i, key in enumerate(keys):
        known.setdefault(key, []).append(i)

    partners: Dict[int, int] = {}
    sided, doubts = [], []
    for i, key in enumerate(keys):
        mirrored, certain = mirrored_words(key), True
        glued = _glued(key, known, letters) if mirrored == key else {}
        if len(glued) == 1:
            ((mirrored, certain),) = glued.items()
        starts = any(word.startswith(tuple(OTHER)) for word in key)
        sided.append(mirrored != key or bool(glued) or starts or len(set(OTHER) & set(notes[i])) == 1)
        others = known.get(mirrored, []) if mirrored != key else []
        if len(known[key]) > 1 or len(others) > 1:  # the same name more than once: descriptions decide
            found = [j for j in known.get(mirrored, []) if j != i and notes[j] == mirrored_words(notes[i])]
            others = found or [j for j in others if notes[j] == notes[i]]
        if len(others) == 1 and certain:
            partners[i] = others[0]
        elif len(glued) == 1:
            first, second = sorted([i, known[mirrored][0]])
            doubts.append(f'{names[first]!r} and {names[second]!r} differ in l and r, but may be two different words')
        elif glued or (mirrored != key and mirrored in known):
            doubts.append(f'{names[i]!r} has several possible partners')
    partners.update(_reordered(keys, partners, known))
    mutual = {i: j for i, j in partners.items() if partners.get(j) == i}
    doubts += [f'{names[i]!r} has several possible partners' for i in partners if i not in mutual]
    return Sides(tuple(mutual.get(i, i) for i in range(len(names))), tuple(sided), tuple(dict.fromkeys(doubts)))


def _reordered(keys: Sequence[Words], partners: Container[int], known: Dict[Words, List[int]]) -> Dict[int, int]:
    """Pairs of the same words in another order, 'left front paw' and 'front right paw', if there is only one choice."""
    same: Dict[Words, List[int]] = {}
    for i, key in enumerate(keys):
        if i not in partners and len(known[key]) == 1 and sum(word in OTHER for word in key) == 1:
            same.setdefault(tuple(sorted(key)), []).append(i)
    found = {}
    for words, members in same.items():
        others = same.get(tuple(sorted(mirrored_words(words))), [])
        if len(members) == len(others) == 1:
            found[members[0]] = others[0]
    return found


def _exchanged(found: 're.Match[str]') -> str:
    word = found.group()
    other = MIRRORED[word.lower()]
    return other.upper() if word.isupper() else other.capitalize() if word[0].isupper() else other


def _note(description: str) -> Words:
    return tuple(re.findall(r'\w+', comparable(clean_text(description))))


def _with_sides(words: Words, letters: Dict[Words, Set[str]]) -> Words:
    """The single letters l and r written as left and right, unless they count."""
    return tuple(
        word if len(word) == 1 and _counts(letters[(*words[:p], '*', *words[p + 1 :])]) else SIDES.get(word, word)
        for p, word in enumerate(words)
    )


def _glued(words: Words, known: Container[Words], letters: Dict[Words, Set[str]]) -> Dict[Words, bool]:
    """Known names that differ in a side glued to other letters, and whether it is certainly a side."""
    found: Dict[Words, bool] = {}
    for p, word in enumerate(words):
        for side, other in OTHER.items():
            for exchanged in (re.sub(f'^{side}', other, word), re.sub(f'{side}$', other, word)):
                if exchanged != word:
                    found[(*words[:p], exchanged, *words[p + 1 :])] = True
    for slot, letter in _slots(words):
        if letter in ('l', 'r') and not _counts(letters[slot]):
            stem = next(word for word in slot if '*' in word)
            exchanged = tuple(word.replace('*', 'r' if letter == 'l' else 'l') for word in slot)
            found.setdefault(exchanged, _is_part(stem))
    return {key: certain for key, certain in found.items() if key in known}


def _is_part(stem: str) -> bool:
    rest = stem.strip('*')
    if stem.startswith('*'):
        return rest[:1] not in VOWELS or rest.startswith(BEGINNINGS)
    return rest[-1:] not in LAST_VOWELS or rest.endswith(ENDINGS)


def _slots(words: Words) -> Iterator[Tuple[Words, str]]:
    """The name with the first or last letter of one word replaced by a star, and that letter."""
    for p, word in enumerate(words):
        for stem, letter in {(f'*{word[1:]}', word[0]), (f'{word[:-1]}*', word[-1])}:
            yield (*words[:p], stem, *words[p + 1 :]), letter


def _letters(keys: Sequence[Words]) -> Dict[Words, Set[str]]:
    """The letters that occur in each slot."""
    letters: Dict[Words, Set[str]] = {}
    for key in keys:
        for slot, letter in _slots(key):
            letters.setdefault(slot, set()).add(letter)
    return letters


def _counts(letters: Set[str]) -> bool:
    """Whether they number things ('a', 'b', ...), rather than name left, right and middle or center."""
    return len(letters - {'l', 'r', 'm', 'c'}) > 2
