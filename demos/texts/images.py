import textwrap
from pathlib import Path
from typing import Dict, List, Sequence

import cv2
import numpy as np

from clamp_mmpose.datasets.files.images import read_image
from clamp_mmpose.visualization.text import put_text

from .questions import PoseQuestion

SHOWN, SIDE, WIDE, LINE, LETTERS = 6, 256, 560, 24, 54  # questions; pixels; letters in a line
COLORS = dict(right=(60, 130, 20), wrong=(40, 40, 200))  # BGR
GRAY = (110, 110, 110)


def draw_answers(folder: Path, images: Path, questions: Sequence[PoseQuestion]) -> Dict[str, str]:
    """Draw questions at equal distances in the list, with what each model answered; file name -> caption."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen = [questions[i] for i in np.linspace(0, len(questions) - 1, SHOWN).astype(int)]
    panels = [_panel(images, question) for question in chosen]
    cv2.imwrite(str(folder / 'answers.jpg'), np.vstack(panels))
    caption = f'{SHOWN} questions at equal distances in the list: right answers in green, wrong ones in red'
    return {'answers.jpg': caption}


def _panel(images: Path, question: PoseQuestion) -> np.ndarray:
    image = cv2.resize(read_image(str(images / question.image)), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    text = np.full((SIDE, WIDE, 3), 255, np.uint8)
    lines = [(line, (0, 0, 0)) for line in _wrapped(question.text)]
    for name, answer in question.answers.items():
        color = COLORS.get(question.verdict(answer), GRAY)
        lines += [('', GRAY), (f'{name}:', GRAY), *((line, color) for line in _wrapped(answer))]
    for i, (line, color) in enumerate(lines[: SIDE // LINE]):
        put_text(text, line, (12, LINE * (i + 1)), 0.5, color, 1)
    return np.hstack([image, text])


def _wrapped(text: str) -> List[str]:
    return textwrap.wrap(text, LETTERS)
