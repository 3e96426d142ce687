"""The annotations of an image as text: what a language model is given (LLaVA-Pose, Table 1)."""

from dataclasses import replace
from typing import List, Sequence, Tuple

import numpy as np

from clamp_mmpose.language.image_facts import ImageFacts, Instance
from clamp_mmpose.language.pose_facts import facts_text
from clamp_mmpose.utils.choices import check_choice

CONTEXTS = ('captions', 'boxes', 'keypoints')
DECIMALS = 3


def restrict(facts: ImageFacts, context: str) -> ImageFacts:
    """The facts that a text may use.

    Args:
        facts: of the image.
        context: 'captions' (and the activity) alone, 'boxes' (and captions), or 'keypoints' (and both).

    Raises:
        ValueError: an unknown ``context``.
    """
    check_choice('context', context, CONTEXTS)
    if context == 'keypoints':
        return facts
    if context == 'captions':
        return replace(facts, instances=(), objects=())
    hidden = [
        replace(instance, keypoints=np.zeros_like(instance.keypoints), visibility=np.zeros_like(instance.visibility))
        for instance in facts.instances
    ]
    return replace(facts, instances=hidden)


def context_text(facts: ImageFacts, pose_facts: bool = False) -> str:
    """Captions, activity, a line for each instance and object, sentences about the poses: blocks with a line between.

    Numbers are divided by the image's size and rounded to three decimals. Keypoints are written for instances that have
    labeled ones.

    Args:
        facts: of the image.
        pose_facts: add the sentences that follow from the keypoints.
    """
    lines = []
    for instance in facts.instances:
        line = f'{instance.category}: {normalized_box(instance.bbox, facts.size)}'
        if instance.labeled.any():
            line += f', keypoints: {normalized_keypoints(instance, facts.size)}'
        lines.append(line)
    lines += [f'{scene.category}: {normalized_box(scene.bbox, facts.size)}' for scene in facts.objects]
    activity = f'activity: {facts.activity}' if facts.activity else ''
    blocks = ['\n'.join(facts.captions), activity, '\n'.join(lines), facts_text(facts) if pose_facts else '']
    return '\n\n'.join(filter(None, blocks))


def normalized_box(bbox: Sequence[float], size: Tuple[int, int]) -> List[float]:
    """Left, top, right and bottom from 0 to 1."""
    width, height = size
    return [round(float(edge) / length, DECIMALS) for edge, length in zip(bbox, (width, height, width, height))]


def normalized_keypoints(instance: Instance, size: Tuple[int, int]) -> List[float]:
    """x, y from 0 to 1 and visibility of each keypoint in turn; 0.0, 0.0, 0 where it is not labeled."""
    width, height = size
    numbers: List[float] = []
    for (x, y), visibility in zip(instance.keypoints.tolist(), instance.visibility.tolist()):
        if visibility:
            numbers += [round(x / width, DECIMALS), round(y / height, DECIMALS), int(visibility)]
        else:
            numbers += [0.0, 0.0, 0]
    return numbers
