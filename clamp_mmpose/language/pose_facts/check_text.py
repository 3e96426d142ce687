from dataclasses import dataclass, field
from typing import Dict, List, Optional, Sequence, Tuple

from clamp_mmpose.language.image_facts import ImageFacts

from .counting import from_left
from .fact import Fact, Verdicts
from .instance_facts import judge_all
from .owners import CLOSE, candidates
from .relations import box_of, center_of
from .statements import Statement, read_sentences

Found = Tuple[str, Fact]


@dataclass
class Consistency:
    """Statements of a text, each with its sentence, held against the keypoints.

    Attributes:
        supported, contradicted: by the keypoints.
        unknown: neither: not labeled, foreshortened, or between two thresholds.
    """

    supported: List[Found] = field(default_factory=list)
    contradicted: List[Found] = field(default_factory=list)
    unknown: List[Found] = field(default_factory=list)


def check_text(text: str, facts: ImageFacts) -> Consistency:
    """Compare what English text says about limbs, trunk, head, facing and posture with the keypoints.

    It is precise rather than complete: what it cannot read for certain it leaves out. 'The person on the left' is
    chosen by position, 'they' is the last one spoken of. Without an owner, a statement is supported if it is true of
    somebody, and contradicted only if it is false of everybody. Left and right of limbs are the person's own.

    Args:
        text: a description, or answers; questions are left out.
        facts: of the image.
    """
    held = Consistency()
    scene = _People(facts)
    for sentence, statements in read_sentences(text, [one.category for one in facts.instances]):
        for statement in statements:
            true = scene.judge(statement)
            kept = held.unknown if true is None else held.supported if true else held.contradicted
            kept.append((sentence, _fact(statement)))
    return held


class _People:
    def __init__(self, facts: ImageFacts):
        self.verdicts = judge_all(facts)
        self.centers = [center_of(box_of(one)) for one in facts.instances]
        self.tolerance = CLOSE * facts.size[0]
        everybody = from_left(facts, range(len(facts.instances)))
        self.orders: Dict[str, List[int]] = {}
        for i in everybody:
            self.orders.setdefault(facts.instances[i].category.lower(), []).append(i)
        self.orders[''] = everybody

    def judge(self, statement: Statement) -> Optional[bool]:
        order = self.orders.get(statement.owner.noun, [])
        people = candidates(statement.owner, order, self.centers, self.tolerance)
        answers = [_judge(statement, self.verdicts[i]) for i in people]
        return _all(answers) if statement.owner.every else _any(answers)


def _judge(statement: Statement, verdicts: Verdicts) -> Optional[bool]:
    parts = [f'{side} {statement.part}' for side in statement.sides] or [statement.part]
    answers = [_known(part, statement, verdicts) for part in parts]
    if statement.negated:
        denied = [None if answer is None else not answer for answer in answers]
        # 'both knees are not bent': neither is; it is wrong for certain if both are
        return _all(denied) if statement.any_side else _neither(denied)
    return _any(answers) if statement.any_side else _all(answers)


def _known(part: str, statement: Statement, verdicts: Verdicts) -> Optional[bool]:
    if statement.state == 'leaning':  # to their own left or that of the image: false if there is no lean
        sides = [verdicts.get(part, f'leaning {side}') for side in ('left', 'right')]
        return False if sides == [False, False] else None
    answer = verdicts.get(part, statement.state)
    return None if answer is False and statement.slightly else answer


def _all(answers: Sequence[Optional[bool]]) -> Optional[bool]:
    return False if False in answers else None if None in answers or not answers else True


def _any(answers: Sequence[Optional[bool]]) -> Optional[bool]:
    return True if True in answers else None if None in answers or not answers else False


def _neither(denied: Sequence[Optional[bool]]) -> Optional[bool]:
    return True if _all(denied) else False if _any(denied) is False else None


def _fact(statement: Statement) -> Fact:
    part = statement.part
    if len(statement.sides) == 1:
        part = f'{statement.sides[0]} {part}'
    elif statement.sides and not statement.any_side:
        part = f'{part}s'
    return Fact(part, f'{"not " if statement.negated else ""}{statement.state}')
