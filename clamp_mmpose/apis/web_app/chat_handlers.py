"""Event handlers of the chat page; each returns the new values of its output components.

Values from the browser are what a client sent, whatever the component allows; states are of the server.
"""

import html
from typing import Any, Callable, Dict, List, Optional, Tuple

import gradio as gr
from PIL import Image

from .handlers import alert, checked_text, plain_errors
from .search import MAX_CHARACTERS
from .uploads import check_space, read_upload, upload_path

Talk = Tuple[Optional[str], List[Tuple[str, str]]]  # path of an image, and the questions and answers about it
NOTHING: Talk = (None, [])


@plain_errors
def load(file: Optional[dict]) -> tuple:
    """Load a new image or none, and start a new conversation."""
    try:
        if file is None:
            return (gr.skip(), None, NOTHING, [], '')
        path = upload_path(file.get('path') if isinstance(file, dict) else file)
        read_upload(path)
    except ValueError as error:
        return (None, None, NOTHING, [], alert(error))
    return (gr.skip(), path, NOTHING, [], '')


@plain_errors
def ask(chat: Callable[[Any, str, list], str], path: Optional[str], question: str, talk: Talk) -> tuple:
    """Answer a question, or show the error and keep the question."""
    # an answer that came after another image was loaded belongs to the conversation before
    rounds = talk[1] if talk[0] == path else []
    try:
        question = checked_text(question, 'question')
        if len(question) > MAX_CHARACTERS:
            raise ValueError(f'the question has {len(question):,} characters: up to {MAX_CHARACTERS:,} are read.')
        check_space()
        image = None if path is None else Image.fromarray(read_upload(path))
        rounds = [*rounds, (question, chat(image, question, rounds))]
    except ValueError as error:
        return gr.skip(), (path, rounds), messages(rounds), alert(error)
    return '', (path, rounds), messages(rounds), ''


@plain_errors
def clear() -> tuple:
    """Start a new conversation about the same image."""
    return NOTHING, [], ''


def messages(rounds: List[Tuple[str, str]]) -> List[Dict[str, Any]]:
    """A conversation for Gradio's Chatbot, which renders HTML even with ``render_markdown=False``."""
    return [
        dict(role=role, content=html.escape(text))
        for question, answer in rounds
        for role, text in (('user', question), ('assistant', answer or '(no answer)'))
    ]
