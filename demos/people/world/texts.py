from typing import List

import numpy as np

from .poses import KEYPOINTS

BENT, STRAIGHT = 125.0, 160.0  # degrees inside a knee
CLEARLY = 0.04  # higher or lower than another point, relative to the person's size
LEANING = 20.0  # degrees of a trunk from upright


def wears(color: str) -> str:
    """The shirt as in the texts: 'a red shirt'."""
    return f'{"an" if color[0] in "aeiou" else "a"} {color} shirt'


def combination(activity: str, color: str) -> str:
    """Clothes and activity of a person: 'in a red shirt riding a bike'."""
    return f'in {wears(color)} {activity}'


def describe(activity: str, color: str, trousers: str, people: List[np.ndarray], rng: np.random.Generator) -> List[str]:
    """Two descriptions of an image in different wordings: activity, clothes, and where the limbs are.

    Args:
        activity: a phrase such as 'riding a bike'.
        color, trousers: the colors of the shirts and of the trousers.
        people: keypoints ``[16, 2]`` of one or two people; the limbs are those of the first, the nearest.
        rng: decides the wordings.
    """
    shirt, limbs = wears(color), limb_sentences(people[0])
    if len(people) == 1:
        wordings = [
            f'There is one person in the image who is {activity}. The person wears {shirt} and {trousers} trousers.',
            f'A person in {shirt} and {trousers} trousers is {activity}.',
            f'This is a photo of a person {activity}. The shirt is {color} and the trousers are {trousers}.',
            f'A photo of one person {combination(activity, color)}.',
        ]
    else:
        wordings = [
            f'There are two people in the image who are each {activity}. Both wear {shirt} and {trousers} trousers.',
            f'Two people, each in {shirt} and {trousers} trousers, are {activity}.',
            f'This is a photo of a person {activity} and another one who does the same. Their shirts are {color} and '
            f'their trousers are {trousers}.',
            f'A photo of one person {combination(activity, color)}, and of another one behind.',
        ]
    whose = 'Their' if len(people) == 1 else "The nearer person's"
    chosen = rng.permutation(len(wordings))[:2]
    return [f'{wordings[i]} {limbs[rng.integers(len(limbs))].format(whose)}' for i in chosen]


def limb_sentences(keypoints: np.ndarray) -> List[str]:
    """All sentences that are true of a person's limbs; ``{}`` is for 'Their'.

    Args:
        keypoints: ``[16, 2]``, in MPII's order, pixels.
    """
    points = dict(zip(KEYPOINTS, keypoints))
    size = np.ptp(keypoints, axis=0).max()
    if points['head_top'][1] > points['pelvis'][1]:
        sentences = ['{} feet are higher than the head.']
    else:
        sentences = [*_arms(points, size), *_trunk(points)]
    return sentences + _legs(points)


def _arms(points: dict, size: float) -> List[str]:
    raised = {side: (points[f'{side}_shoulder'] - points[f'{side}_wrist'])[1] / size for side in ('left', 'right')}
    up = [side for side in raised if raised[side] > CLEARLY]
    down = [side for side in raised if raised[side] < -CLEARLY]
    return _both_or_each(up, 'arm', 'raised above the shoulder') + _both_or_each(down, 'hand', 'below the shoulder')


def _trunk(points: dict) -> List[str]:
    x, y = points['thorax'] - points['pelvis']
    if abs(np.degrees(np.arctan2(x, -y))) < LEANING:
        return []
    return ['{} body leans to the ' + ('right' if x > 0 else 'left') + ' of the image.']


def _legs(points: dict) -> List[str]:
    angles = {}
    for side in ('left', 'right'):
        thigh, shin = (points[f'{side}_{joint}'] - points[f'{side}_knee'] for joint in ('hip', 'ankle'))
        cosine = thigh @ shin / (np.linalg.norm(thigh) * np.linalg.norm(shin))
        angles[side] = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    bent = [side for side in angles if angles[side] < BENT]
    straight = [side for side in angles if angles[side] > STRAIGHT]
    return _both_or_each(bent, 'knee', 'bent') + _both_or_each(straight, 'leg', 'straight')


def _both_or_each(sides: List[str], limb: str, state: str) -> List[str]:
    if len(sides) == 2:
        return [f'{{}} {limb}s are both {state}.']
    return [f'{{}} {side} {limb} is {state}.' for side in sides]
