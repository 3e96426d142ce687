from typing import List

import numpy as np

from .poses import KEYPOINTS

BENT, STRAIGHT = 125.0, 160.0  # degrees inside a knee
CLEARLY = 0.04  # higher or lower than another point, as a share of the person's size
LEANING = 20.0  # degrees of a trunk from upright


def wears(color: str) -> str:
    """As it stands in the texts: 'a red shirt'."""
    return f'{"an" if color[0] in "aeiou" else "a"} {color} shirt'


def combination(activity: str, color: str) -> str:
    """What a person does in which clothes: 'in a red shirt riding a bike'."""
    return f'in {wears(color)} {activity}'


def describe(activity: str, color: str, trousers: str, people: List[np.ndarray], rng: np.random.Generator) -> List[str]:
    """Two descriptions of an image in other wordings: what is done, in which clothes, and where the limbs are.

    Args:
        activity: a phrase such as 'riding a bike'.
        color: of the shirts.
        trousers: their color.
        people: keypoints ``[16, 2]`` of one or two people, the nearest first; the limbs are this one's.
        rng: draws the wordings.
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
    """All that these sentences can say of a person's limbs and is true; ``{}`` stands for 'Their'.

    Args:
        keypoints: ``[16, 2]``, in MPII's order, pixels; y runs down.
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
    angles = {
        side: knee_angle(*(points[f'{side}_{joint}'] for joint in ('hip', 'knee', 'ankle')))
        for side in ('left', 'right')
    }
    return _both_or_each([side for side in angles if angles[side] < BENT], 'knee', 'bent') + _both_or_each(
        [side for side in angles if angles[side] > STRAIGHT], 'leg', 'straight'
    )


def knee_angle(hip: np.ndarray, knee: np.ndarray, ankle: np.ndarray) -> float:
    """Degrees between thigh and shin, 180 if straight."""
    thigh, shin = hip - knee, ankle - knee
    cosine = thigh @ shin / (np.linalg.norm(thigh) * np.linalg.norm(shin))
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def _both_or_each(sides: List[str], limb: str, state: str) -> List[str]:
    if len(sides) == 2:
        return [f'{{}} {limb}s are both {state}.']
    return [f'{{}} {side} {limb} is {state}.' for side in sides]
