from collections import Counter
from dataclasses import dataclass, field
from typing import Dict, List, Sequence, Tuple

import numpy as np

from clamp_mmpose.datasets.instructions.read_facts import read_facts
from clamp_mmpose.language.image_facts import ImageFacts
from clamp_mmpose.llm.judge.rule_judge import NO_ANSWER, NOT_KNOWN, RIGHT, WRONG, RuleJudge

HOLD = 'How does the person hold their {}?'


@dataclass
class PoseQuestion:
    """A question about a person's limbs, and what each model answered."""

    image: str
    text: str
    facts: ImageFacts
    answers: Dict[str, str] = field(default_factory=dict)

    def verdict(self, answer: str) -> str:
        """By rules, against where the joints were drawn."""
        return RuleJudge(self.facts).verdict(self.text, answer)


def ask_about(data: str, truth: Dict[str, Dict[str, str]], number: int) -> List[PoseQuestion]:
    """Questions about the first test images: how arms and legs are held, which arm is raised, which knee is bent.

    The last two are asked only if it is one of both.

    Args:
        data: folder of :func:`write_posing_people`.
        truth: what each limb was drawn to do, by image.
        number: of images.
    """
    annotations = dict(
        type='MpiiDataset', data_root=data, ann_file='annotations/val.json', data_prefix=dict(img='images/')
    )
    questions = []
    for facts in read_facts(annotations, limit=number).images:
        texts = [HOLD.format('arms'), HOLD.format('legs')]
        for limb, state, asked in (('arm', 'raised', 'arm'), ('leg', 'bent', 'knee')):
            found = [truth[facts.image][f'{side} {limb}'] == state for side in ('left', 'right')]
            if sum(found) == 1:
                texts.append(f'Which {asked} of the person is {state}?')
        questions += [PoseQuestion(facts.image, text, facts) for text in texts]
    return questions


@dataclass(frozen=True)
class Score:
    """How many of a model's answers are right; ``of_images`` has the right and all answers of each image."""

    right: float
    wrong: float
    unanswered: float
    of_images: List[Tuple[int, int]]

    def share(self, images: np.ndarray) -> float:
        """How many of the answers about these images are right, by their indices."""
        right, asked = np.array(self.of_images)[images].sum(axis=0)
        return float(right / asked)


def score(questions: Sequence[PoseQuestion], answers: Sequence[str]) -> Score:
    """Judge one answer to each question; what the joints do not tell is left out."""
    verdicts = [question.verdict(answer) for question, answer in zip(questions, answers)]
    counts = Counter(verdict for verdict in verdicts if verdict != NOT_KNOWN)
    of_images: Dict[str, List[str]] = {question.image: [] for question in questions}
    for question, verdict in zip(questions, verdicts):
        of_images[question.image] += [verdict] if verdict != NOT_KNOWN else []
    shares = (counts[verdict] / sum(counts.values()) for verdict in (RIGHT, WRONG, NO_ANSWER))
    return Score(*shares, [(own.count(RIGHT), len(own)) for own in of_images.values()])


def of_other_images(questions: Sequence[PoseQuestion], answers: Sequence[str]) -> List[str]:
    """For each question, the answer to the same one about another image: what can be known without looking."""
    places: Dict[str, List[int]] = {}
    for i, question in enumerate(questions):
        places.setdefault(question.text, []).append(i)
    exchanged = list(answers)
    for own in places.values():
        for here, there in zip(own, own[1:] + own[:1]):
            exchanged[here] = answers[there]
    return exchanged
