"""Sentences that say where keypoints are, from their layout alone, by rules."""

import re
from typing import List, Sequence

import numpy as np

from .keypoint_layout import KeypointLayout, between
from .sides import OTHER, side_of, side_words

STEADY = 0.12  # spread, in heights of the box: the place in the image says something
EDGE = 0.25  # of the box's height
MIDDLE = 0.35  # difference between the distances to left and right, in units of the pair's
BENT = 1.3  # detour of a keypoint that is between its two neighbors of the skeleton
ALIKE = 1.2  # ratio of the distances to a left and a right keypoint that are both the nearest
MOST = 4  # neighbors in a sentence


def plain_names(names: Sequence[str], flip_indices: Sequence[int]) -> List[str]:
    """The names with the side as a word of its own where it is glued: 'leftear' -> 'left ear'."""
    return [
        re.sub(r'^(left|right)(?=[a-z])', r'\1 ', name) if flip_indices[i] != i and side_of(name) is None else name
        for i, name in enumerate(names)
    ]


def keypoint_sentences(
    names: Sequence[str],
    layout: KeypointLayout,
    links: Sequence[Sequence[int]],
    flip_indices: Sequence[int],
    subject: str,
) -> List[str]:
    """A sentence for each of K keypoints, such as 'The left eye is on the left side of the fly, next to the head and
    opposite the right eye.'

    Stated are the side (of a keypoint with a counterpart, whose name says it), the midline (as far from the left as
    from the right ones), the neighbors in the skeleton or else the nearest ones, and top or bottom if the objects are
    all the same way up. Left and right of the image are never stated: mirroring would make them wrong.

    Args:
        names: K names, see :func:`plain_names`.
        layout: of these keypoints.
        links: pairs of indices.
        flip_indices: as in :class:`TextQueries`.
        subject: a word for the object.
    """
    sentences = []
    for index, name in enumerate(names):
        clauses = [*_side(index, names, layout, flip_indices, subject)]
        clauses += _relations(index, names, layout, links, flip_indices)
        clauses += _height(index, layout)
        partner = flip_indices[index]
        if partner != index:
            clauses.append(f'opposite the {names[partner]}')
        sentences.append(f'The {name} is {_joined(clauses, ", ", " and ") or f"a point of the {subject}"}.')
    return sentences


def _side(
    index: int, names: Sequence[str], layout: KeypointLayout, flip_indices: Sequence[int], subject: str
) -> List[str]:
    side = side_of(names[index])
    if flip_indices[index] != index:
        return [f'on the {side} side of the {subject}'] if side else [f'on one side of the {subject}']
    # a single keypoint with a side in its name, such as 'left hook', is not on the midline
    if set(OTHER) & set(side_words(names[index])):
        return []
    gaps = []
    for left, right in enumerate(flip_indices):
        near, far, width = layout.distances[index, left], layout.distances[index, right], layout.distances[left, right]
        if left < right and np.isfinite([near, far, width]).all() and width > 0:
            gaps.append(abs(near - far) / width)
    return [f'on the midline of the {subject}'] if gaps and float(np.mean(gaps)) < MIDDLE else []


def _relations(
    index: int,
    names: Sequence[str],
    layout: KeypointLayout,
    links: Sequence[Sequence[int]],
    flip_indices: Sequence[int],
) -> List[str]:
    linked = list(dict.fromkeys(b if a == index else a for a, b in links if index in (a, b)))
    linked = [i for i in linked if i != flip_indices[index]]  # is named as the one opposite
    if len(linked) == 2 and layout.detour(index, *linked) < BENT:
        return [f'between the {names[linked[0]]} and the {names[linked[1]]}']
    if linked:
        return ['next to ' + _joined([f'the {names[i]}' for i in linked[:MOST]], ', ', ' and ')]
    pair = between(layout, index, flip_indices)
    if pair is not None:
        return [f'between the {names[pair[0]]} and the {names[pair[1]]}']
    near = [i for i in layout.neighbors(index) if i != flip_indices[index]]
    if len(near) < 2:
        return [f'near the {names[near[0]]}'] if near else []
    nearest = [near[0]]
    other = flip_indices[near[0]]
    if other in near[1:-1] and layout.distances[index, other] < ALIKE * layout.distances[index, near[0]]:
        nearest.append(other)
    closest = _joined([f'the {names[i]}' for i in nearest], ', ', ' and ')
    return [f'nearest to {closest}', f'farthest from the {names[near[-1]]}']


def _height(index: int, layout: KeypointLayout) -> List[str]:
    y, spread = layout.mean[index, 1], layout.spread[index, 1]
    if not spread < STEADY:  # NaN too
        return []
    return ['near the top'] if y < EDGE else ['near the bottom'] if y > 1 - EDGE else []


def _joined(parts: Sequence[str], separator: str, last: str) -> str:
    *others, final = parts or ['']
    return f'{separator.join(others)}{last}{final}' if others else final
