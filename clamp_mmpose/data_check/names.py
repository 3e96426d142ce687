"""Check keypoint names: whether their flip pairs swap left and right, and whether they are words."""

import re
from collections import Counter
from typing import Iterator, List, Sequence

from clamp_mmpose.language.keypoint_names import keypoint_names
from clamp_mmpose.language.sides import find_sides, mirrored_words, side_of, side_words, words_of

from .findings import Finding, reason_of

# not words for a point; left and right alone are not either
GENERIC = {
    'coord',
    'idx',
    'id',
    'joint',
    'jt',
    'keypoint',
    'keypoints',
    'kp',
    'kps',
    'kpt',
    'kpts',
    'label',
    'landmark',
    'landmarks',
    'left',
    'lm',
    'lmk',
    'marker',
    'mk',
    'name',
    'no',
    'node',
    'num',
    'number',
    'part',
    'point',
    'points',
    'pt',
    'pts',
    'right',
    'unknown',
    'unnamed',
    'vertex',
    'xy',
}
MOST_NUMBERED = 5  # 'thumb 1' to 'thumb 4' may be known; 'face 0' to 'face 67' say nothing


def name_findings(metainfo: dict, dataset: dict, own_names: bool) -> Iterator[Finding]:
    """Faults of the names of a metainfo and of its flip pairs.

    Args:
        dataset: the config of the data set; its pipeline may give other names.
        own_names: the head does not read those of the metainfo.
    """
    label = metainfo['dataset_name']
    names = [metainfo['keypoint_id2name'][i] for i in range(metainfo['num_keypoints'])]
    given = [
        step['names']
        for step in dataset.get('pipeline') or ()
        if isinstance(step, dict)
        and step.get('type') == 'GetTextQueries'
        and isinstance(step.get('names'), (list, tuple))
    ]
    try:
        for own in given:
            yield from word_findings(keypoint_names(own), label)
    except ValueError as error:
        yield Finding('MI005', label, reason_of(error))
    try:
        yield from flip_findings(names, metainfo['flip_indices'], label)
        if not own_names and not given:
            yield from word_findings(names, label)
    except ValueError:  # not clean text: MI005 unless the head does not read them
        return


def flip_findings(names: Sequence[str], swap: Sequence[int], label: str, category: str = '') -> Iterator[Finding]:
    """Faults of flip pairs.

    Args:
        names: K names.
        swap: for each keypoint, the index of its counterpart, or its own.
        label: of the data set, for the details.
        category: of MP-100.
    """

    def found(code: str, i: int, detail: str) -> Finding:
        return Finding(code, names[i], f'{detail} ({label})', category)

    asymmetric = [i for i in range(len(names)) if swap[swap[i]] != i]
    for i in asymmetric:
        yield found('MI003', i, f'it swaps with {names[swap[i]]!r}, which swaps with {names[swap[swap[i]]]!r}')
    skipped = {*asymmetric, *(swap[i] for i in asymmetric)}
    sides = find_sides(names)
    words = [side_words(name) for name in names]
    for i in range(len(names)):
        given, expected, side = swap[i], sides.flip_indices[i], side_of(names[i])
        if i in skipped or given == expected != i:
            continue
        if expected != i:
            partner = 'nothing' if given == i else repr(names[given])
            yield found('MI004', i, f'it swaps with {partner}, by its name with {names[expected]!r}')
        elif given != i and sides.sided[i] and {side, side_of(names[given])} != {'left', 'right'}:
            yield found('MI004', i, f'it swaps with {names[given]!r}')
        elif given == i and side is not None:
            known = mirrored_words(words[i]) in words
            yield found('MI004' if known else 'MI006', i, 'it swaps with nothing')
        elif given == i and sides.sided[i] and not {'left', 'right'} <= set(words[i]):
            doubts = [doubt for doubt in sides.doubts if repr(names[i]) in doubt]
            yield found('MI006', i, doubts[0] if doubts else 'it swaps with nothing')


def word_findings(names: Sequence[str], label: str, category: str = '') -> Iterator[Finding]:
    """One finding for the names that are not words."""
    found = not_words(names)
    if found:
        shown = ', '.join(map(repr, found[:3])) + (', ...' if len(found) > 3 else '')
        yield Finding('MI007', label, f'{len(found)} of {len(names)}: {shown}', category)


def not_words(names: Sequence[str]) -> List[str]:
    """The names that say nothing to a language model: 'kpt 0', '12', 'kp_a', 'sss kpt1', 'foreleg l1', 'face 0'..."""
    names = [name for name in names if name.strip()]  # empty ones are errors
    stems = [_without_digits(name) for name in names]
    counts = Counter(stem for stem, name in zip(stems, names) if stem != name)
    return [
        name for name, stem in zip(names, stems) if _is_code(name) or (stem != name and counts[stem] > MOST_NUMBERED)
    ]


def _without_digits(name: str) -> str:
    return re.sub(r'\d+', '#', name)


def _is_code(name: str) -> bool:
    words = words_of(name)
    # a letter or 'point' with a number: 'l1', 'kpt 3'
    if any(
        second.isdigit() and (len(first) == 1 or first in GENERIC - {'left', 'right'})
        for first, second in zip(words, words[1:])
    ):
        return True
    return not any(_is_word(word) for word in side_words(name))


def _is_word(word: str) -> bool:
    if not word.isascii():
        return True
    return len(word) > 1 and word not in GENERIC and re.search('[aeiouy]', word) is not None
