"""Event handlers of the page; each returns the new values of its output components.

Values from the browser are what a client sent, whatever the component allows; states are of the server.
"""

import functools
import html
import math
import traceback
from typing import Any, Callable, Dict, List, Optional, Tuple, Union

import gradio as gr
import numpy as np

from clamp_mmpose.apis.inferencer import TextPoseInferencer
from clamp_mmpose.language.category_texts import CategoryTexts
from clamp_mmpose.utils.files import to_json

from .search import Found, draw_corners, draw_found, find
from .uploads import check_space, read_upload, upload_path

WHOLE = 'the whole image'  # shown without a box
Preset = Tuple[str, str]  # names and skeleton, as typed in their fields


def plain_errors(handler: Callable) -> Callable:
    """Show errors as one line without paths or a traceback, which goes to the server's log if it was not expected."""

    @functools.wraps(handler)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return handler(*args, **kwargs)
        except ValueError as error:
            message = ' '.join(str(error).split())
        except Exception:
            traceback.print_exc()
            message = 'this request failed; the log of the server says where.'
        raise gr.Error(html.escape(message), print_exception=False)

    return call


def checked_text(value: Any, what: str) -> str:
    """A text from the browser; None is empty."""
    if value is not None and not isinstance(value, str):
        raise ValueError(f'the {what} must be a text, got {value!r:.40}.')
    return value or ''


def alert(error: Exception) -> str:
    """An error as HTML."""
    return f'<p role="alert" style="border-left: 4px solid #dc2626; padding: 4px 12px">{html.escape(str(error))}</p>'


@plain_errors
def load(file: Optional[dict]) -> tuple:
    """Load a new image or none, and clear the previous results."""
    path = None
    try:
        if file is not None:
            path = upload_path(file.get('path') if isinstance(file, dict) else file)
            read_upload(path)
    except ValueError as error:
        return (None, None, [], WHOLE, alert(error), *_nothing())
    return (gr.skip(), path, [], WHOLE, '', *_nothing())


@plain_errors
def click(path: Optional[str], clicked: list, event: gr.EventData) -> tuple:
    """Add a corner of the box; a third click starts a new box."""
    if path is None:
        return None, [], WHOLE
    content = read_upload(path)
    corner = _corner(event._data, content)
    clicked = [*clicked, corner] if len(clicked) == 1 else [corner]
    shown = ' to '.join(f'({x}, {y})' for x, y in clicked)
    check_space()
    return (
        draw_corners(content, clicked),
        clicked,
        shown if len(clicked) == 2 else f'from {shown}: click the opposite corner',
    )


@plain_errors
def clear_box(path: Optional[str]) -> tuple:
    """Show the image without a box."""
    return None if path is None else read_upload(path), [], WHOLE


@plain_errors
def choose(
    presets: Dict[Any, Preset], own_number: str, number: Union[int, str], named: str, links: str, before: tuple
) -> Union[tuple, dict]:
    """Fill in the names of a category, or restore the user's own."""
    if type(number) not in (int, str) or (number != own_number and number not in presets):
        raise ValueError('there is no such category: choose one of the list.')
    named, links = checked_text(named, 'keypoint names'), checked_text(links, 'skeleton')
    previous, own = before
    if number == previous:  # Gradio sends the event of a click twice
        return gr.skip()
    if (named, links) != presets.get(previous):  # typed, or a category's names that were edited
        own = (named, links)
    return (*presets.get(number, own), (number, own))


@plain_errors
def run(
    inferencer: TextPoseInferencer,
    texts: Dict[Any, CategoryTexts],
    path: Optional[str],
    clicked: list,
    named: str,
    links: str,
    threshold: float,
    picked: tuple,
) -> tuple:
    """Find the keypoints, or show the error; names of the category that was picked get its descriptions."""
    try:
        named, links, threshold = (
            checked_text(named, 'keypoint names'),
            checked_text(links, 'skeleton'),
            _confidence(threshold),
        )
        if path is None:
            raise ValueError('there is no image yet: drop one on the left.')
        check_space()
        found, score_maps = find(inferencer, read_upload(path), clicked, named, links, texts.get(picked[0]))
        return (
            '',
            gr.Column(visible=True),
            found,
            draw_found(found, threshold),
            _table(found.instance),
            score_maps,
            _json(found.instance),
            _answers(found.instance),
        )
    except ValueError as error:
        return (alert(error), *_nothing())


@plain_errors
def redraw(found: Optional[Found], threshold: float) -> Optional[np.ndarray]:
    """Draw the latest predictions with another threshold."""
    threshold = _confidence(threshold)
    return None if found is None else draw_found(found, threshold)


def _confidence(value: Any) -> float:
    if type(value) not in (int, float) or not 0 <= value <= 1:  # False for NaN
        raise ValueError(f'the confidence must be a number from 0 to 1, got {value!r:.40}.')
    return float(value)


def _corner(data: Any, image: np.ndarray) -> Tuple[int, int]:
    """A clicked pixel of the image; the browser rounds the edges to the next pixel."""
    index = data.get('index') if isinstance(data, dict) else None
    numbers = isinstance(index, (list, tuple)) and len(index) == 2 and all(type(x) in (int, float) for x in index)
    height, width = image.shape[:2]
    if (
        not numbers
        or not all(math.isfinite(x) for x in index)
        or not (0 <= index[0] <= width and 0 <= index[1] <= height)
    ):
        raise ValueError(f'a corner must be two numbers within the {width} x {height} pixels of the image.')
    return int(index[0]), int(index[1])


def _nothing() -> tuple:
    """Empty results."""
    return (gr.Column(visible=False), None, None, None, [], '', _answers({}))


def _table(instance: dict) -> List[list]:
    return [
        [name, round(x, 1), round(y, 1), round(score, 3)]
        for name, (x, y), score in zip(instance['keypoint_names'], instance['keypoints'], instance['keypoint_scores'])
    ]


def _answers(instance: dict) -> gr.Dataframe:
    """What a language model was asked and answered, hidden for other models."""
    texts = zip(*(instance.get(key, ()) for key in ('keypoint_names', 'question', 'answer')))
    rows = [list(row) for row in texts]
    return gr.Dataframe(rows or None, visible=bool(rows))


def _json(instance: dict) -> str:
    lines = ',\n'.join(f'  "{key}": {to_json(value, key)}' for key, value in instance.items())
    return f'{{\n{lines}\n}}'
