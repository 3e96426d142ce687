"""Answers of a model to questions."""

from pathlib import Path
from typing import Dict, Sequence, Union

from .json_lines import read_lines, text_of, write_lines
from .question import Question, question_id


def read_answers(path: Union[str, Path], questions: Sequence[Question]) -> Dict[str, str]:
    """The answers by id of the question, from JSON lines with ``question_id`` (or ``id``) and ``text``, as LLaVA's.

    Questions without an answer are absent.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a line is not such an answer, answers no question, or answers one again; the line is named.
    """
    asked = {question.id for question in questions}
    answers: Dict[str, str] = {}
    for place, line in read_lines(path, 'answers', 'make them with the step answers, or give another file'):
        name = question_id(line, place)
        if name not in asked:
            raise ValueError(
                f'{place}: answers {name!r:.60}, which is not among the {len(asked):,} questions, such as '
                f'{next(iter(asked), "")!r:.60}; give the answers to these questions.'
            )
        if name in answers:
            raise ValueError(f'{place}: answers {name!r:.60} again; leave one answer.')
        answers[name] = text_of(line, 'text', place)
    return answers


def write_answers(path: Union[str, Path], answers: Dict[str, str], model: str) -> None:
    """Write JSON lines as LLaVA does: ``question_id``, ``text`` and ``model_id``."""
    lines = [dict(question_id=name, text=text, model_id=model) for name, text in answers.items()]
    write_lines(path, lines)
