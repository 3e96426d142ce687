from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, List, NamedTuple, Optional

from clamp_mmpose.utils.choices import check_choice
from clamp_mmpose.utils.files import read_yaml

from .text_queries import TextQueries

WORDING = Path(__file__).with_suffix('.yml')
KINDS = ('base', 'step_by_step', 'direct_qa', 'step_by_step_qa')
QUESTIONS = ('fixed', 'random')


class Turn(NamedTuple):
    """One question and what follows it: ``answer`` is a text; None: the position of the keypoint."""

    question: str
    reference: str = ''
    answer: Optional[str] = None

    @property
    def prompt(self) -> str:
        """The text that the answer follows."""
        reference = f'\nReference: {self.reference}' if self.reference else ''
        return f'User: {self.question}{reference}\nAssistant:'


@dataclass(frozen=True)
class CapeInstruction:
    """The texts of a conversation about keypoints (CapeLLM, section 3.2 and appendices B and C).

    Args:
        kind: ``'base'`` (figure 2); ``'step_by_step'`` names object and keypoint before it asks (figure 5);
            ``'direct_qa'`` (figure 6) and ``'step_by_step_qa'`` (figure 7) ask for the name at a position, to train the
            projector.
        description: give the description of a keypoint as reference (Table 3).
        keypoint_list: begin with the names of all keypoints of the object (Table 3).
        outline: begin with a description of the task (Table 6).
        questions: ``'fixed'``, or ``'random'`` wordings in training (Table 6).

    Raises:
        ValueError: an unknown ``kind`` or ``questions``.
    """

    kind: str = 'base'
    description: bool = True
    keypoint_list: bool = False
    outline: bool = False
    questions: str = 'fixed'

    def __post_init__(self) -> None:
        check_choice('instruction', self.kind, KINDS)
        check_choice('questions', self.questions, QUESTIONS)

    @property
    def answers_with_points(self) -> bool:
        """Whether the answers are positions, and not names."""
        return not self.kind.endswith('_qa')

    @property
    def num_wordings(self) -> int:
        """How many wordings of the question there are to draw from."""
        return len(_wording()['questions']) if self.questions == 'random' else 1

    def opening(self, queries: TextQueries) -> str:
        """What is said about all keypoints, after the image; '' for nothing."""
        parts = []
        if self.outline:
            parts.append(_wording()['outline'])
        if self.keypoint_list:
            parts.append(_wording()['keypoint_list'].format(names=', '.join(queries.keypoint_names)))
        return '\n'.join(parts)

    def turns(self, queries: TextQueries, keypoint: int, point: str = '', wording: int = 0) -> List[Turn]:
        """The round of one keypoint: the last turn of an instruction that asks for points has no text as answer.

        Args:
            queries: the keypoints of the image.
            keypoint: its index.
            point: its position as text, for the instructions that give it.
            wording: number of the question's wording.
        """
        words = _wording()
        name, description = queries.keypoint_names[keypoint], ''
        if self.description and queries.keypoint_descriptions is not None:
            description = queries.keypoint_descriptions[keypoint]
        category = (queries.category or words['unknown_category']).replace('_', ' ')
        question = words['questions'][wording].format(name=name)
        if self.kind == 'base':
            return [Turn(question, description)]
        if self.kind == 'step_by_step':
            answer = words['object_answer'].format(category=category, description=description).strip()
            return [Turn(words['object_question'].format(name=name), answer=answer), Turn(question)]
        answer = words['name_answer'].format(name=name)
        if self.kind == 'direct_qa':
            return [Turn(words['name_question'].format(point=point), answer=answer)]
        names = ', '.join(queries.keypoint_names)
        return [
            Turn(words['category_question'], answer=words['category_answer'].format(category=category)),
            Turn(words['existence_question'].format(name=name), answer=words['existence_answer']),
            Turn(words['selection_question'].format(point=point, names=names), answer=answer),
        ]


@lru_cache(maxsize=1)
def _wording() -> Any:
    return read_yaml(WORDING, 'wording of the instructions', 'restore it')
