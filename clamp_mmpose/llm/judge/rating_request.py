"""What a judge is asked about two answers."""

import json
from dataclasses import asdict

from clamp_mmpose.llm.prompts import load_prompt
from clamp_mmpose.llm.request import Message, Request

from .question import Question


def rating_request(name: str, question: Question, first: str, second: str) -> Request:
    """Ask for ratings of two answers, of which :func:`parse_ratings` reads the reply.

    Question, context and answers are sent as JSON, so that an answer cannot end its own part of the message.

    Args:
        name: id of the request.
        question: that both answer.
        first, second: the answers, in the order shown.
    """
    prompt = load_prompt('judge')
    content = dict(image=asdict(question.context), question=question.text, assistant_1=first, assistant_2=second)
    text = f'{json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False)}\n\n{prompt.instructions[0].format()}'
    messages = Message(role='system', content=prompt.system), Message(role='user', content=text)
    return Request(name, messages, prompt.id)
