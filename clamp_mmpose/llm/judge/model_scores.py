"""The scores of several models on the same questions."""

from typing import Dict, List, NamedTuple, Sequence

from clamp_mmpose.evaluation.bootstrap import Interval

from .comparison import Comparison, Sample, by_type, mean_interval, mean_over_types
from .rating import ASPECTS


class ModelScores(NamedTuple):
    """A model on questions of one type or on all.

    Attributes:
        count: number of questions.
        mean: score x 10 with its bootstrap interval; over all questions the mean over types.
        aspects: mean x 10 of helpfulness, relevance, accuracy and detail; empty if a reply had overall scores only.
    """

    count: int
    mean: Interval
    aspects: Dict[str, float]


def model_scores(
    comparisons: Sequence[Comparison], seed: int = 0, resamples: int = 1000
) -> Dict[str, Dict[str, ModelScores]]:
    """The scores of each model, for each type and over all.

    A model's score of a question is the mean over its comparisons and their orders. All models are scored on the same
    questions: those of which every pair of models that occurs was rated.

    Args:
        comparisons: each of two models; a pair occurs once per question.
        seed, resamples: of the intervals.
    """
    pairs = {(item.first, item.second) for item in comparisons}
    rated: Dict[str, int] = {}
    for item in comparisons:
        rated[item.question.id] = rated.get(item.question.id, 0) + 1
    complete = [item for item in comparisons if rated[item.question.id] == len(pairs)]
    names = list(dict.fromkeys(name for item in comparisons for name in (item.first, item.second)))
    return {name: _scores_of(name, complete, seed, resamples) for name in names}


def _scores_of(name: str, comparisons: Sequence[Comparison], seed: int, resamples: int) -> Dict[str, ModelScores]:
    overall: List[Sample] = []
    aspects: Dict[str, List[Sample]] = {aspect: [] for aspect in ASPECTS}
    for question, ratings in _ratings_of(name, comparisons).values():
        overall.append(Sample(question.image, question.type, _mean([rating.score for rating in ratings])))
        for aspect, samples in aspects.items():
            values = [rating.aspects[aspect] for rating in ratings if rating.aspects]
            if len(values) == len(ratings):
                samples.append(Sample(question.image, question.type, _mean(values)))
    parts = {aspect: by_type(samples) for aspect, samples in aspects.items() if len(samples) == len(overall)}
    return {
        kind: ModelScores(
            len(samples),
            mean_interval(samples, seed, resamples),
            {aspect: mean_over_types(kinds[kind]) for aspect, kinds in parts.items()},
        )
        for kind, samples in by_type(overall).items()
        if samples
    }


def _ratings_of(name: str, comparisons: Sequence[Comparison]) -> dict:
    """By id: the question, and all ratings of the model's answer."""
    found: dict = {}
    for item in comparisons:
        if name in (item.first, item.second):
            place = 0 if name == item.first else 1
            _, ratings = found.setdefault(item.question.id, (item.question, []))
            ratings += [pair[place] for pair in item.ratings]
    return found


def _mean(scores: Sequence[float]) -> float:
    return 10 * sum(scores) / len(scores)
