"""Records that teach a vision-language model to write keypoints: LLaVA* of ChatPose (Feng et al., CVPR 2024)."""

from collections import Counter
from typing import Any, Dict, List, Sequence, Tuple

import numpy as np

from clamp_mmpose.codecs.keypoint_text import QUESTION, format_keypoints
from clamp_mmpose.language.image_facts import VISIBLE, ImageFacts, Instance

Square = Tuple[int, int, int, int]


def keypoint_records(images: Sequence[ImageFacts], margin: float = 1.2) -> Tuple[List[dict], Dict[str, int]]:
    """A record of each instance with visible keypoints: the question, and the keypoints as :func:`format_keypoints`.

    ``box`` is a square of whole pixels, which :class:`CropPerson` cuts out; coordinates refer to it.

    Args:
        images: of :func:`read_facts`.
        margin: side of the square, in lengths of the longer side of the instance's box.

    Returns:
        tuple: records ``{"id", "image", "box", "conversations"}``, and what was left out, with its number.
    """
    records: List[dict] = []
    dropped: Dict[str, int] = Counter()
    for facts in images:
        for number, instance in enumerate(facts.instances, 1):
            square = _square(instance, margin)
            left, top, right, _ = square
            fractions = (instance.keypoints[:, :2] - (left, top)) / (right - left)
            visible = (instance.visibility == VISIBLE) & ((fractions >= 0) & (fractions < 1)).all(1)
            if not visible.any():
                dropped['instances without visible keypoints'] += 1
                continue
            answer = format_keypoints(facts.keypoint_names, fractions, visible)
            turns: List[Dict[str, Any]] = [
                {'from': 'human', 'value': f'<image>\n{QUESTION}'},
                {'from': 'gpt', 'value': answer},
            ]
            name = f'{facts.image_id}_{number}'
            records.append({'id': name, 'image': facts.image, 'box': list(square), 'conversations': turns})
    return records, dict(dropped)


def _square(instance: Instance, margin: float) -> Square:
    box = np.array(instance.bbox, float).reshape(2, 2)
    side = max(int(np.ceil((box[1] - box[0]).max() * margin)), 1)
    left, top = (int(value) for value in np.round(box.mean(0) - side / 2))
    return left, top, left + side, top + side
