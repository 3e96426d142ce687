"""Which answers a judge compares, and the comparisons that its replies make."""

import re
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from clamp_mmpose.llm.request import Request

from .comparison import Comparison
from .published import published_request
from .question import Question
from .rating import Rating
from .rating_request import rating_request

REFERENCE = 'reference'  # the text-only answers
MODEL_NAME = re.compile(r'[\w.-]+')


class Showing(NamedTuple):
    """Two answers in the order shown."""

    question: Question
    first: str
    second: str

    @property
    def id(self) -> str:
        """Of the request; names of models hold no spaces."""
        return f'{self.question.id} {self.first} {self.second}'

    @property
    def swapped(self) -> 'Showing':
        return Showing(self.question, self.second, self.first)


def pairs_of(names: Sequence[str], against: Optional[str] = None) -> List[Tuple[str, str]]:
    """All pairs of the models, or those with one of them, which is then first.

    Raises:
        ValueError: fewer than two models, a name with other characters than letters, digits, '_', '-' and '.', or
            ``against`` is none of them.
    """
    wrong = [name for name in names if not MODEL_NAME.fullmatch(name)]
    if wrong:
        raise ValueError(f'the model {wrong[0]!r:.40} needs a name of letters, digits, "_", "-" and "." alone.')
    if len(names) < 2:
        raise ValueError(f'expected answers of at least two models to compare, got {", ".join(names) or "none"}.')
    if against is None:
        return [(first, second) for i, first in enumerate(names) for second in names[i + 1 :]]
    if against not in names:
        raise ValueError(f'against={against!r}, expected one of {", ".join(names)}.')
    return [(against, name) for name in names if name != against]


def showings(
    questions: Sequence[Question], answers: Mapping[str, Mapping[str, str]], pairs: Sequence[Tuple[str, str]]
) -> Tuple[List[Showing], Dict[str, str]]:
    """What is to be rated, in one order, and why pairs without an answer are left out, by id.

    Args:
        questions: to be answered.
        answers: by model and id of the question.
        pairs: of models.
    """
    shown, left_out = [], {}
    for question in questions:
        for showing in (Showing(question, *pair) for pair in pairs):
            absent = [name for name in showing[1:] if question.id not in answers[name]]
            if absent:
                left_out[showing.id] = f'{" and ".join(absent)} did not answer'
            else:
                shown.append(showing)
    return shown, left_out


def requests_of(
    shown: Sequence[Showing], answers: Mapping[str, Mapping[str, str]], published: bool = False
) -> List[Request]:
    """Ask for ratings in both orders, or, as published, in the order shown."""
    make = published_request if published else rating_request
    return [
        make(order.id, order.question, *(answers[name][order.question.id] for name in order[1:]))
        for showing in shown
        for order in ([showing] if published else [showing, showing.swapped])
    ]


def comparisons_of(
    shown: Sequence[Showing], values: Mapping[str, Tuple[Rating, Rating]], failed: Mapping[str, str]
) -> Tuple[List[Comparison], Dict[str, str]]:
    """The comparisons whose both orders were rated, and why the others are left out, by id.

    Args:
        shown: pairs of answers in one order.
        values: ratings of the answers shown first and second, by id of the request.
        failed: reasons, by id of the request.
    """
    comparisons, left_out = [], {}
    for showing in shown:
        orders = (showing, showing.swapped)
        missing = [order.id for order in orders if order.id not in values]
        if missing:
            left_out[showing.id] = failed.get(missing[0], 'not asked')
            continue
        there, back = (values[order.id] for order in orders)
        comparisons.append(Comparison(*showing, ratings=(there, (back[1], back[0]))))
    return comparisons, left_out
