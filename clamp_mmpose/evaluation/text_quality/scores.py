"""A measure of the texts of a file: its value, bootstrap interval, and difference between files."""

from typing import Dict, List, NamedTuple, Optional, Sequence, Union

import numpy as np

from clamp_mmpose.evaluation.bootstrap import Interval, interval

from .texts import Text


class Scores(NamedTuple):
    """A measure as fractions: the value of several texts is the sum of ``parts`` over that of ``wholes``.

    A mean has wholes of 1. Both are 0 where there is no value.
    """

    parts: np.ndarray
    wholes: np.ndarray

    @property
    def counted(self) -> np.ndarray:
        """Where there is a value, bool."""
        return (self.parts != 0) | (self.wholes != 0)

    def ratio(self, drawn: np.ndarray) -> float:
        """The value of some entries; infinite if nothing is in the wholes."""
        whole = self.wholes[drawn].sum()
        return float(self.parts[drawn].sum() / whole) if whole else np.inf


class ImageScores(NamedTuple):
    """A measure of G images, summed over the texts of each.

    ``names`` are their file names; a text without an image is on its own and has a number.
    """

    scores: Scores
    names: List[Union[str, int]]
    texts: int  # that have a value


def scores_of(values: Sequence[Optional[float]]) -> Scores:
    """A mean of one value per text; None: the text has none."""
    return Scores(
        np.array([0 if value is None else value for value in values], np.float64),
        np.array([value is not None for value in values], np.float64),
    )


def sum_by_image(scores: Scores, texts: Sequence[Text]) -> ImageScores:
    """Sum the scores of each image's texts."""
    keys = [number if text.image is None else text.image for number, text in enumerate(texts)]
    groups: Dict[Union[str, int], int] = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    group = np.array([groups[key] for key in keys], np.int64)
    summed = Scores(*(np.bincount(group, values, len(groups)) for values in scores))
    return ImageScores(summed, list(groups), int(scores.counted.sum()))


def summarize(measured: ImageScores) -> Optional[Interval]:
    """The value of a file and its 95 % interval, for which images are drawn with all of their texts.

    None if no text has a value, or the value is infinite: the MTLD of texts without a repeated word.
    """
    drawable = np.flatnonzero(measured.scores.counted)
    if not measured.scores.wholes.any():
        return None
    return interval(drawable, measured.scores.ratio)


def mean_of(scores: Scores) -> Optional[float]:
    """The value without an interval; None if no text has a value."""
    return scores.ratio(np.arange(len(scores.parts))) if scores.counted.any() else None


def difference(first: ImageScores, second: ImageScores) -> Optional[Interval]:
    """The value of ``second`` minus that of ``first`` on the images that have a value in both, drawn together.

    None if there is no such image.
    """
    place = {name: number for number, name in enumerate(second.names) if isinstance(name, str)}
    pairs = [
        (number, place[name])
        for number, name in enumerate(first.names)
        if name in place and first.scores.counted[number] and second.scores.counted[place[name]]
    ]
    if not pairs:
        return None
    left, right = np.array(pairs).T
    if not first.scores.wholes[left].any() or not second.scores.wholes[right].any():
        return None
    return interval(
        np.arange(len(pairs)),
        lambda drawn: second.scores.ratio(right[drawn]) - first.scores.ratio(left[drawn]),
    )
