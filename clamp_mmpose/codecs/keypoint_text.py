"""Keypoints as text, ``Nose:(50,12),Left shoulder:(61,30)``: LLaVA* of ChatPose (Feng et al., CVPR 2024, supplement).

A coordinate is the number of one of 100 equal bins of the image's width or height, counted from 0 at the left or the
top; it is read as the middle of the bin. The paper says that coordinates are discretized, not how.
"""

import re
from typing import Sequence, Tuple

import numpy as np

QUESTION = (
    'There is a person in the image, please estimate the visible keypoints coordinates. The output format should be '
    'Nose:(x1,y1),Neck:(x2,y2),...'
)
ANSWER = 'The detected visible keypoints are '
BINS = 100
KEYPOINT = r'\s*([^:,()\s][^:,()]*):\s*\(\s*([0-9]+)\s*,\s*([0-9]+)\s*\)\s*'
KEYPOINTS = re.compile(rf'{KEYPOINT}(?:,{KEYPOINT})*')


def format_keypoints(names: Sequence[str], fractions: np.ndarray, visible: np.ndarray) -> str:
    """The answer with the visible keypoints in their order.

    Args:
        names: K names without ``:``, ``,`` and parentheses.
        fractions: ``[K, 2]``, (x / w, y / h) of the image, 0 to below 1 where visible.
        visible: ``[K]`` bool.

    Raises:
        ValueError: no keypoint is visible, one is outside the image, or a name has one of these signs.
    """
    wrong = [name for name in names if re.search('[:,()]', name)]
    if wrong:
        raise ValueError(f'the keypoint name {wrong[0]!r} holds a sign of the answer: rename it without : , ( and ).')
    shown = np.flatnonzero(visible).tolist()
    if not shown:
        raise ValueError('an answer names visible keypoints, and there are none: leave out this person.')
    bins = np.floor(np.asarray(fractions, float)[shown] * BINS)
    if not ((bins >= 0) & (bins < BINS)).all():
        raise ValueError('a visible keypoint is outside the image: mark it as not visible.')
    parts = [f'{_written(names[i])}:({int(x)},{int(y)})' for i, (x, y) in zip(shown, bins)]
    return f'{ANSWER}{",".join(parts)}.'


def parse_keypoints(text: str, names: Sequence[str]) -> Tuple[np.ndarray, np.ndarray]:
    """Read an answer; spaces between its parts, capitals and the last period are free.

    Args:
        names: K names.

    Returns:
        tuple: fractions ``[K, 2]`` of the image, 0 where not named, and which are named ``[K]`` bool.

    Raises:
        ValueError: anything else: another beginning or end, a name that is unknown or given twice, a number beyond the
            bins. Nothing is guessed.
    """
    start, rest = text.strip()[: len(ANSWER)], text.strip()[len(ANSWER) :]
    rest = rest[:-1] if rest.endswith('.') else rest
    if start.lower() != ANSWER.lower() or not KEYPOINTS.fullmatch(rest):
        raise ValueError(f'expected {ANSWER}Nose:(x1,y1),... and nothing else, got {text!r:.80}')
    known = {name.lower(): i for i, name in enumerate(names)}
    fractions, visible = np.zeros((len(names), 2)), np.zeros(len(names), bool)
    for name, *numbers in re.findall(KEYPOINT, rest):
        name = ' '.join(name.split())
        index = known.get(name.lower())
        if index is None or visible[index]:
            raise ValueError(f'the keypoint {name!r:.40} is {"unknown" if index is None else "given twice"}')
        bins = [int(number) if len(number) < 9 else BINS for number in numbers]
        if max(bins) >= BINS:
            raise ValueError(f'{name} has a coordinate above {BINS - 1}: ({",".join(numbers):.40})')
        fractions[index], visible[index] = (np.array(bins) + 0.5) / BINS, True
    return fractions, visible


def _written(name: str) -> str:
    return name[:1].upper() + name[1:]
