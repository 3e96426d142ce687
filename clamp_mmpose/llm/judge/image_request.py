"""A question about an image to a model that is served with OpenAI's protocol."""

import base64
import io
from pathlib import Path
from typing import Union

from clamp_mmpose.llm.request import Message, Request

from .question import Question

SENT_AS_THEY_ARE = ('JPEG', 'PNG', 'WEBP', 'GIF')
FORMATS = (*SENT_AS_THEY_ARE, 'BMP', 'PPM', 'TIFF')  # without those for which Pillow starts Ghostscript


def image_request(question: Question, folder: Union[str, Path]) -> Request:
    """The image as a data URL, then the question, in one message.

    Raises:
        FileNotFoundError: there is no such image.
        OSError: the image cannot be read.
    """
    parts = [
        dict(type='image_url', image_url=dict(url=data_url(Path(folder, question.image)))),
        dict(type='text', text=question.text),
    ]
    return Request(question.id, (Message(role='user', content=parts),), 'question/1')


def data_url(path: Path) -> str:
    """The file as it is, or as JPEG if servers do not read its format."""
    from PIL import Image

    content = path.read_bytes()
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            kind = image.format or ''
            if kind not in SENT_AS_THEY_ARE:
                buffer = io.BytesIO()
                image.convert('RGB').save(buffer, 'JPEG', quality=95)
                kind, content = 'JPEG', buffer.getvalue()
    except (OSError, Image.DecompressionBombError) as error:
        raise OSError(f'image {path} cannot be read ({error}): convert or remove it.') from error
    return f'data:image/{kind.lower()};base64,{base64.b64encode(content).decode()}'
