import re
from dataclasses import dataclass
from typing import Any, List, Optional, Sequence, Tuple, Union

from .keypoint_names import keypoint_names, mirrored_indices, skeleton_links


@dataclass(frozen=True)
class TextQueries:
    """The K keypoints to find in an image, as texts from a user or a data set.

    :meth:`create` and :meth:`parse` check them; later code relies on that.

    Attributes:
        keypoint_names: K names.
        keypoint_descriptions: K descriptions, '' for a name without one; None: names only.
        skeleton_links: pairs of keypoint indices, from 0.
        flip_indices: for each keypoint, the index of its left/right counterpart, or its own.
    """

    keypoint_names: Sequence[str]
    keypoint_descriptions: Optional[Sequence[str]]
    skeleton_links: Sequence[Tuple[int, int]]
    flip_indices: Sequence[int]

    @property
    def texts(self) -> List[str]:
        """The K texts for a text encoder: 'name', or 'name: description' (CapeLLM, section 3.2)."""
        descriptions = self.keypoint_descriptions or [''] * len(self.keypoint_names)
        return [f'{name}: {text}' if text else name for name, text in zip(self.keypoint_names, descriptions)]

    @classmethod
    def create(
        cls,
        names: Sequence[str],
        descriptions: Optional[Sequence[str]] = None,
        skeleton: Sequence[Sequence[int]] = (),
        flip_indices: Optional[Sequence[int]] = None,
    ) -> 'TextQueries':
        """Check names, descriptions, skeleton and flip indices.

        Args:
            names: K names; two may be equal if their descriptions differ.
            descriptions: K descriptions, or None.
            skeleton: pairs of indices from 0.
            flip_indices: as in :class:`TextQueries`; None: derived from left and right in the names.

        Raises:
            ValueError: names are missing, empty or repeated; the numbers of names, descriptions and ``flip_indices``
                differ; the skeleton has indices out of range.
        """
        if descriptions is None:
            names = keypoint_names(list(names))
        else:
            if len(descriptions) != len(names):
                raise ValueError(f'{len(names)} keypoint names need as many descriptions, got {len(descriptions)}.')
            if not all(isinstance(text, str) for text in (*names, *descriptions)):
                raise ValueError(f'names and descriptions must be strings, got {names} and {descriptions}.')
            names, descriptions = [name.strip() for name in names], [text.strip() for text in descriptions]
            keypoint_names([f'{name}: {text}' if name and text else name for name, text in zip(names, descriptions)])
        if flip_indices is None:
            flip_indices = mirrored_indices(names)
        elif sorted(flip_indices) != list(range(len(names))):
            raise ValueError(
                f'flip_indices must hold each index from 0 to {len(names) - 1} once, got {list(flip_indices)}.'
            )
        return cls(names, descriptions, skeleton_links(skeleton, len(names)), list(flip_indices))

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
        if not isinstance(keypoints, (list, tuple)) or not all(isinstance(text, str) for text in keypoints):
            raise ValueError(f'keypoint names must be strings, in one list for all images; got {keypoints!r:.80}.')
        parts = [[part.strip() for part in text.split(':', 1)] for text in keypoints]
        descriptions = [part[1] if len(part) == 2 else '' for part in parts]
        if isinstance(skeleton, str):
            skeleton = _pairs(skeleton)
        return cls.create([part[0] for part in parts], descriptions if any(descriptions) else None, skeleton)

    @classmethod
    def of_sample(cls, sample: Any) -> 'TextQueries':
        """The queries of a data sample packed by :class:`PackTextQueries`; they were checked before."""
        names, flip_indices = list(sample.keypoint_names), sample.get('flip_indices')
        return cls(
            names,
            sample.get('keypoint_descriptions'),
            sample.get('skeleton_links') or (),
            mirrored_indices(names) if flip_indices is None else flip_indices,
        )


def _pairs(text: str) -> List[List[int]]:
    """``'0-2,1-2'`` -> ``[[0, 2], [1, 2]]``."""
    pairs = [pair.strip() for pair in text.split(',')] if text.strip() else []
    wrong = [pair for pair in pairs if not re.fullmatch(r'\d+\s*-\s*\d+', pair)]
    if wrong:
        raise ValueError(f'a skeleton is written as pairs of indices from 0, such as "0-2,1-2"; got {wrong[0]!r}.')
    return [[int(end) for end in pair.split('-')] for pair in pairs]
