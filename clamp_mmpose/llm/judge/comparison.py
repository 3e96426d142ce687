"""Two answers to a question, rated in both orders, and what such comparisons say about two models."""

from dataclasses import dataclass
from typing import Dict, List, NamedTuple, Sequence, Tuple

import numpy as np

from clamp_mmpose.evaluation.bootstrap import Interval, interval

from .question import TYPES, Question
from .rating import Rating

ALL = 'all'  # the mean over types


@dataclass(frozen=True)
class Comparison:
    """The answers of two models to a question.

    Attributes:
        question: that both answer.
        first, second: names of the models.
        ratings: of (first, second): when the first was shown first, and when it was shown second.
    """

    question: Question
    first: str
    second: str
    ratings: Tuple[Tuple[Rating, Rating], Tuple[Rating, Rating]]

    @property
    def scores(self) -> Tuple[float, float]:
        """Scores of the two answers, averaged over both orders."""
        (first, second), (first_swapped, second_swapped) = self.ratings
        return (first.score + first_swapped.score) / 2, (second.score + second_swapped.score) / 2


class Sample(NamedTuple):
    """A number that belongs to a question."""

    image: str
    type: str
    value: float


def mean_interval(samples: Sequence[Sample], seed: int = 0, resamples: int = 1000) -> Interval:
    """The mean over types of the mean of each type, with its bootstrap interval.

    Images are drawn, with all their questions, since questions about one image are not independent.

    Raises:
        ValueError: no samples.
    """
    images = {image: i for i, image in enumerate(dict.fromkeys(sample.image for sample in samples))}
    types = {kind: i for i, kind in enumerate(dict.fromkeys(sample.type for sample in samples))}
    sums, counts = np.zeros((2, len(images), len(types)))
    for sample in samples:
        place = images[sample.image], types[sample.type]
        sums[place] += sample.value
        counts[place] += 1

    def statistic(drawn: np.ndarray) -> float:
        number = counts[drawn].sum(0)
        present = number > 0  # a draw may lack a type
        return float((sums[drawn].sum(0)[present] / number[present]).mean())

    return interval(np.arange(len(images)), statistic, seed, resamples)


def mean_over_types(samples: Sequence[Sample]) -> float:
    """The mean over types of the mean of each type."""
    types: Dict[str, List[float]] = {}
    for sample in samples:
        types.setdefault(sample.type, []).append(sample.value)
    return sum(sum(values) / len(values) for values in types.values()) / len(types)


def by_type(samples: Sequence[Sample]) -> Dict[str, List[Sample]]:
    """The samples of each type that occurs, and all of them."""
    kinds = {kind: [sample for sample in samples if sample.type == kind] for kind in TYPES}
    return {**{kind: found for kind, found in kinds.items() if found}, ALL: list(samples)}


class PairScores(NamedTuple):
    """How two models compare, on questions of one type or on all.

    Attributes:
        count: number of questions.
        means: scores x 10 of the first and the second; on all questions the mean over types.
        difference: first - second, x 10, with its paired bootstrap interval.
        wins, ties, losses: shares of the questions, from the first's view.
    """

    count: int
    means: Tuple[float, float]
    difference: Interval
    wins: float
    ties: float
    losses: float

    @property
    def relative(self) -> float:
        """The second in percent of the first, as LLaVA's judge reports it."""
        return 100 * self.means[1] / self.means[0]


def compare(comparisons: Sequence[Comparison], seed: int = 0, resamples: int = 1000) -> Dict[str, PairScores]:
    """The scores of two models, for each type and over all.

    Args:
        comparisons: of the same two models, at least one.
        seed, resamples: of the intervals.
    """
    scored = [(item.question, *item.scores) for item in comparisons]
    firsts = [Sample(question.image, question.type, 10 * first) for question, first, _ in scored]
    seconds = by_type([Sample(question.image, question.type, 10 * second) for question, _, second in scored])
    results = {}
    for kind, samples in by_type(firsts).items():
        differences = [
            Sample(first.image, first.type, first.value - second.value) for first, second in zip(samples, seconds[kind])
        ]
        signs = np.sign([sample.value for sample in differences])
        results[kind] = PairScores(
            len(samples),
            (mean_over_types(samples), mean_over_types(seconds[kind])),
            mean_interval(differences, seed, resamples),
            *(float((signs == sign).mean()) for sign in (1, 0, -1)),
        )
    return results


class OrderEffect(NamedTuple):
    """What the order of the answers does to a judge.

    Attributes:
        count: number of comparisons.
        first_wins, second_wins: shares in which the order decided: both times the answer that was shown first won, or
            both times the one shown second.
        changed: share in which the two orders disagree about who wins, ties included.
        advantage: of being shown first, in points of the score.
    """

    count: int
    first_wins: float
    second_wins: float
    changed: float
    advantage: float


def order_effect(comparisons: Sequence[Comparison]) -> OrderEffect:
    """The effect of the order, over comparisons of any models, at least one."""
    leads = np.array(
        [
            # of the answer shown first, in each order
            (first.score - second.score, second_swapped.score - first_swapped.score)
            for (first, second), (first_swapped, second_swapped) in (item.ratings for item in comparisons)
        ]
    )
    signs = np.sign(leads)
    return OrderEffect(
        len(leads),
        float((signs == 1).all(1).mean()),
        float((signs == -1).all(1).mean()),
        float((signs[:, 0] != -signs[:, 1]).mean()),
        float(leads.mean()),
    )
