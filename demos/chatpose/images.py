import textwrap
from pathlib import Path
from typing import Dict, List

import cv2
import numpy as np
from torch import Tensor

from clamp_mmpose.datasets.files.images import read_image
from clamp_mmpose.visualization.bodies import draw_four_views
from clamp_mmpose.visualization.text import put_text

from .evaluation import Asked, joints_of

SHOWN, SIDE, LINE, LETTERS = 3, 176, 19, 24  # rows of each kind; pixels of a view; pixels of a line; letters in it


def draw_poses(folder: Path, images: Path, asked: Dict[str, Asked], poses: Dict[str, Tensor]) -> Dict[str, str]:
    """Draw test people at equal distances in the lists: what was asked, the answer and the true pose from four sides.

    Returns:
        dict: file name -> caption.
    """
    folder.mkdir(parents=True, exist_ok=True)
    captions = {}
    for kind, one in asked.items():
        rows: List[np.ndarray] = [_titles()]
        for i in np.linspace(0, len(one.records) - 1, min(SHOWN, len(one.records))).astype(int):
            record = one.records[i]
            views = [draw_four_views(joints, size=SIDE) for joints in joints_of([poses[kind][i], one.poses[i]])]
            rows.append(np.hstack([_question(record, images), *views]))
        cv2.imwrite(str(folder / f'{kind}.jpg'), np.vstack(rows))
        captions[f'{kind}.jpg'] = f'{kind}: question, answer and true pose from four sides, left limbs in blue'
    return captions


def _question(record: dict, images: Path) -> np.ndarray:
    if 'image' in record:
        return cv2.resize(read_image(str(images / record['image'])), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    panel = np.full((SIDE, SIDE, 3), 255, np.uint8)
    for i, line in enumerate(textwrap.wrap(record['conversations'][0]['value'], LETTERS)[: SIDE // LINE]):
        put_text(panel, line, (6, LINE * (i + 1) - 4), 0.38, (0, 0, 0), 1)
    return panel


def _titles() -> np.ndarray:
    bar = np.full((LINE + 6, 9 * SIDE, 3), 255, np.uint8)
    for text, place in (('asked', 0), ('answer', 1), ('true pose', 5)):
        put_text(bar, text, (place * SIDE + 6, LINE), 0.5, (110, 110, 110), 1)
    return bar
