"""A question about an image to a model that is served with OpenAI's protocol."""

from pathlib import Path
from typing import Union

from clamp_mmpose.llm.image_parts import file_part, text_part
from clamp_mmpose.llm.request import Message, Request

from .question import Question


def image_request(question: Question, folder: Union[str, Path]) -> Request:
    """The image as a data URL, then the question, in one message.

    Raises:
        FileNotFoundError: there is no such image.
        OSError: the image cannot be read.
    """
    parts = [file_part(Path(folder, question.image)), text_part(question.text)]
    return Request(question.id, (Message(role='user', content=parts),), 'question/1')
