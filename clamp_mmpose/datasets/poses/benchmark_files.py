"""What the files of both reasoning benchmarks of ChatPose have in common."""

import os
from pathlib import Path
from typing import Any, Iterator, List, Tuple

import numpy as np

from clamp_mmpose.body.pose_entries import read_poses, to_matrices
from clamp_mmpose.utils.files import read_json, read_json_lines

REMEDY = 'check the path; tools/make_texts.py writes such files'
QUESTION, ANSWER = '{}, can you give the SMPL pose of this person?', 'Sure, it is <POSE>.'


def read_entries(path: str, what: str) -> Iterator[Tuple[str, dict]]:
    """The place and the object of each entry of a ``.jsonl`` file or a JSON list.

    Raises:
        FileNotFoundError, ValueError: there is no such file, or it cannot be read.
    """
    if Path(path).suffix.lower() == '.jsonl':
        entries: Any = read_json_lines(path, what, REMEDY)
    else:
        content = read_json(path, what, REMEDY, expected=list)
        entries = ((f'{what} {path}, entry {i}', entry) for i, entry in enumerate(content))
    for place, entry in entries:
        if not isinstance(entry, dict):
            raise ValueError(f'{place}: expected an object, got {entry!r:.60}.')
        yield place, entry


def read_pose(pose: Any) -> dict:
    """``poses`` ``[1, 24, 3, 3]`` and ``pose_masks`` ``[1, 24]`` of an entry; ValueError if it is no pose."""
    axis_angle, masks = read_poses([pose])
    return dict(poses=to_matrices(axis_angle).astype(np.float32), pose_masks=masks)


def conversation(text: str, image: bool) -> List[dict]:
    """The question about a text, without its last period, and the answer (ChatPose, supplement, section 2)."""
    question = QUESTION.format(text.strip().rstrip('.'))
    question = f'<image>\n{question}' if image else question
    return [{'from': 'human', 'value': question}, {'from': 'gpt', 'value': ANSWER}]


def is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def image_path(folder: str, name: Any) -> str:
    """The path of an image that exists; ValueError or FileNotFoundError if not."""
    if not is_text(name):
        raise ValueError(f'image must be the name of a file, got {name!r:.60}')
    path = os.path.join(folder, name)
    if '://' not in path and not os.path.exists(path):
        raise FileNotFoundError(f'image {path} does not exist: check data_root and data_prefix.')
    return path
