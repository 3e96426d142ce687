import logging
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, List, Optional, Sequence, Tuple, Union

from mmengine.logging import print_log

from .clean_text import clean_text
from .keypoint_names import check_names, joined_texts, skeleton_links
from .sides import Sides, find_sides, mirrored_indices, mirrored_name, mirrored_text


@dataclass(frozen=True)
class TextQueries:
    """The K keypoints to find in an image, as texts from a user or a data set.

    :meth:`create` and :meth:`parse` check them; later code relies on that.

    Attributes:
        keypoint_names: K names.
        keypoint_descriptions: K descriptions, '' for a name without one; None: names only.
        skeleton_links: pairs of keypoint indices, from 0.
        flip_indices: for each keypoint, the index of its left/right counterpart, or its own.
        category: what the object is, in words; None: unknown.
    """

    keypoint_names: Sequence[str]
    keypoint_descriptions: Optional[Sequence[str]]
    skeleton_links: Sequence[Tuple[int, int]]
    flip_indices: Sequence[int]
    category: Optional[str] = None

    @property
    def texts(self) -> List[str]:
        """The K texts for a text encoder: 'name', or 'name: description' (CapeLLM, section 3.2)."""
        return joined_texts(self.keypoint_names, self.keypoint_descriptions)

    def mirrored(self) -> 'TextQueries':
        """The queries of a horizontally flipped image whose counterparts have been swapped by ``flip_indices``.

        A left or right keypoint without a counterpart ('left wheel' alone) has changed its side, so left and right are
        exchanged in its name and description.
        """
        names, descriptions = list(self.keypoint_names), self.keypoint_descriptions
        sided = find_sides(names, descriptions).sided
        alone = [i for i, partner in enumerate(self.flip_indices) if partner == i and sided[i]]
        if not alone:
            return self
        if descriptions is not None:
            descriptions = [mirrored_text(text) if i in alone else text for i, text in enumerate(descriptions)]
        names = [mirrored_name(name) if i in alone else name for i, name in enumerate(names)]
        return replace(self, keypoint_names=names, keypoint_descriptions=descriptions)

    @classmethod
    def create(
        cls,
        names: Sequence[str],
        descriptions: Optional[Sequence[str]] = None,
        skeleton: Sequence[Sequence[int]] = (),
        flip_indices: Optional[Sequence[int]] = None,
        category: Optional[str] = None,
    ) -> 'TextQueries':
        """Check names, descriptions, skeleton and flip indices.

        Args:
            names: K names; two may be equal if their descriptions differ.
            descriptions: K descriptions, or None.
            skeleton: pairs of indices from 0.
            flip_indices: as in :class:`TextQueries`; None: found by :func:`find_sides`, and logged once.
            category: as in :class:`TextQueries`.

        Raises:
            ValueError: names or descriptions are missing, empty, repeated or not clean (:func:`clean_text`); the
                numbers of names, descriptions and ``flip_indices`` differ; the skeleton has indices out of range.
        """
        names = list(names)
        if descriptions is not None:
            if len(descriptions) != len(names):
                raise ValueError(f'{len(names)} keypoint names need as many descriptions, got {len(descriptions)}.')
            if not all(isinstance(text, str) for text in (*names, *descriptions)):
                raise ValueError(f'names and descriptions must be strings, got {names} and {descriptions}.')
            descriptions = [clean_text(text) for text in descriptions]
        names = check_names(names, descriptions)
        if flip_indices is None:
            sides = find_sides(names, descriptions)
            _log_pairs(tuple(names), sides)
            flip_indices = sides.flip_indices
        elif sorted(flip_indices) != list(range(len(names))):
            raise ValueError(
                f'flip_indices must hold each index from 0 to {len(names) - 1} once, got {list(flip_indices)}.'
            )
        category = None if category is None else clean_text(category)
        return cls(names, descriptions, skeleton_links(skeleton, len(names)), list(flip_indices), category)

    @classmethod
    def parse(
        cls, keypoints: Union[str, Sequence[str]], skeleton: Union[str, Sequence[Sequence[int]]] = ()
    ) -> 'TextQueries':
        """Read names and skeleton as a user writes them.

        Args:
            keypoints: a list of 'name' or 'name: description', or one string with commas between them (a description
                with a comma needs the list).
            skeleton: pairs of indices from 0, or a string such as ``'0-2,1-2'``.

        Raises:
            ValueError: see :meth:`create`.
        """
        if isinstance(keypoints, str):
            keypoints = keypoints.split(',')
        _check_list(keypoints)
        parts = [[part.strip() for part in text.split(':', 1)] for text in keypoints]
        descriptions = [part[1] if len(part) == 2 else '' for part in parts]
        if isinstance(skeleton, str):
            skeleton = _pairs(skeleton)
        return cls.create([part[0] for part in parts], descriptions if any(descriptions) else None, skeleton)

    @classmethod
    def of_sample(cls, sample: Any) -> 'TextQueries':
        """The queries of a data sample packed by :class:`PackTextQueries`; they were checked before."""
        names, descriptions = list(sample.keypoint_names), sample.get('keypoint_descriptions')
        flip_indices = sample.get('flip_indices')
        return cls(
            names,
            descriptions,
            sample.get('skeleton_links') or (),
            mirrored_indices(names, descriptions) if flip_indices is None else flip_indices,
            sample.get('category'),
        )


def _check_list(keypoints: Any) -> None:
    expected = 'keypoint names must be strings, in one list for all images of a call'
    if isinstance(keypoints, dict):
        raise ValueError(
            f'{expected}; got a dict with the keys {list(keypoints)[:5]!r:.80}: call once for each group of images, '
            'with its own list.'
        )
    if not isinstance(keypoints, (list, tuple)):
        raise ValueError(
            f'{expected}, or one string with commas between them; got {type(keypoints).__name__}: {keypoints!r:.80}.'
        )
    for i, text in enumerate(keypoints):
        if not isinstance(text, str):
            nested = isinstance(text, (list, tuple, dict, set))
            remedy = ': for other names on each image, call once for each image' if nested else ''
            raise ValueError(f'{expected}; keypoints[{i}] is {type(text).__name__}, {text!r:.80}{remedy}.')


@lru_cache(maxsize=512)  # once for each list of names
def _log_pairs(names: Tuple[str, ...], sides: Sides) -> None:
    paired = [(i, j) for i, j in enumerate(sides.flip_indices) if i < j]
    if not paired and not any(sides.sided):
        return
    pairs = ', '.join(f'{names[i]} - {names[j]}' for i, j in paired) or 'none'
    alone = ', '.join(names[i] for i, j in enumerate(sides.flip_indices) if i == j) or 'none'
    print_log(f'left/right pairs for the flip: {pairs}; without partner: {alone}', logger='current')
    for doubt in sides.doubts:
        print_log(f'{doubt}: not a pair for the flip.', logger='current', level=logging.WARNING)


def _pairs(text: str) -> List[List[int]]:
    """``'0-2,1-2'`` -> ``[[0, 2], [1, 2]]``."""
    pairs = [pair.strip() for pair in text.split(',')] if text.strip() else []
    wrong = [pair for pair in pairs if not re.fullmatch(r'\d+\s*-\s*\d+', pair)]
    if wrong:
        raise ValueError(f'a skeleton is written as pairs of indices from 0, such as "0-2,1-2"; got {wrong[0]!r}.')
    return [[int(end) for end in pair.split('-')] for pair in pairs]
