"""Event handlers of the page; each returns the new values of its output components."""

import html
from typing import Any, Dict, List, Optional, Tuple, Union

import gradio as gr
import numpy as np

from clamp_mmpose.apis.inferencer import TextPoseInferencer
from clamp_mmpose.datasets.files.images import read_image
from clamp_mmpose.utils.files import to_json

from .search import draw_corners, draw_found, find

WHOLE = 'the whole image'  # shown without a box
Preset = Tuple[str, str]  # names and skeleton, as typed in their fields


def load(file: Optional[dict]) -> tuple:
    """Load a new image or none, and clear the previous results."""
    try:
        content = None if file is None else read_image(file['path'])[..., ::-1]
    except ValueError:
        error = ValueError('this file is not a complete image: choose another one, such as a PNG, JPEG or WebP.')
        return (None, None, [], WHOLE, _alert(error), *_nothing())
    return (gr.skip(), content, [], WHOLE, '', *_nothing())


def click(content: Optional[np.ndarray], clicked: list, event: gr.SelectData) -> tuple:
    """Add a corner of the box; a third click starts a new box."""
    if content is None:
        return None, [], WHOLE
    x, y = event.index
    clicked = [*clicked, (x, y)] if len(clicked) == 1 else [(x, y)]
    shown = ' to '.join(f'({x}, {y})' for x, y in clicked)
    return (
        draw_corners(content, clicked),
        clicked,
        shown if len(clicked) == 2 else f'from {shown}: click the opposite corner',
    )


def choose(
    presets: Dict[Any, Preset], number: Union[int, str], named: str, links: str, before: tuple
) -> Union[tuple, dict]:
    """Fill in the names of a category, or restore the user's own."""
    previous, own = before
    if number == previous:  # Gradio sends the event of a click twice
        return gr.skip()
    if (named, links) != presets.get(previous):  # typed, or a category's names that were edited
        own = (named, links)
    return (*presets.get(number, own), (number, own))


def run(
    inferencer: TextPoseInferencer,
    content: Optional[np.ndarray],
    clicked: list,
    named: str,
    links: str,
    threshold: float,
) -> tuple:
    """Find the keypoints, or show the error."""
    try:
        if content is None:
            raise ValueError('there is no image yet: drop one on the left.')
        found = find(inferencer, content, clicked, named, links)
    except ValueError as error:
        return (_alert(error), *_nothing())
    return (
        '',
        gr.Column(visible=True),
        found,
        draw_found(found, threshold),
        _table(found.instance),
        found.score_maps,
        _json(found.instance),
    )


def _nothing() -> tuple:
    """Empty results."""
    return (gr.Column(visible=False), None, None, None, [], '')


def _table(instance: dict) -> List[list]:
    return [
        [name, round(x, 1), round(y, 1), round(score, 3)]
        for name, (x, y), score in zip(instance['keypoint_names'], instance['keypoints'], instance['keypoint_scores'])
    ]


def _json(instance: dict) -> str:
    lines = ',\n'.join(f'  "{key}": {to_json(value, key)}' for key, value in instance.items())
    return f'{{\n{lines}\n}}'


def _alert(error: Exception) -> str:
    return f'<p role="alert" style="border-left: 4px solid #dc2626; padding: 4px 12px">{html.escape(str(error))}</p>'
