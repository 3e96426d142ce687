from typing import List, Sequence, Tuple

import numpy as np

from clamp_mmpose.language.image_facts import ImageFacts, Instance

from .animals import LEGS, judge_animal
from .body import measure_body
from .fact import FACING, Fact, Verdicts
from .joints import OTHER_SIDE, find_joints, is_animal
from .limbs import judge_limbs
from .posture import POSTURES, judge_facing, judge_head, judge_posture, judge_trunk

TRUNK = ('upright', 'leaning left', 'leaning right', 'leaning forward', 'leaning backward', 'bent over')
ARM = ('raised', 'lowered', 'stretched sideways', 'stretched forward')
HAND = ('above the head', 'near the head', 'on the hip', 'raised')
_SIDES = tuple(OTHER_SIDE)
# what is stated, in this order
STATED: Tuple[Tuple[str, str], ...] = (
    *(('person', state) for state in (*POSTURES, *FACING)),
    *(('trunk', state) for state in TRUNK),
    *(('head', state) for state in (*FACING, 'tilted left', 'tilted right', 'raised', 'lowered')),
    *((f'{side} arm', state) for side in _SIDES for state in ARM),
    *((f'{side} elbow', state) for side in _SIDES for state in ('bent', 'straight')),
    *((f'{side} hand', state) for side in _SIDES for state in HAND),
    ('arms', 'crossed'),
    ('hands', 'together'),
    *((f'{side} knee', state) for side in _SIDES for state in ('bent', 'straight')),
    *((f'{side} leg', 'raised') for side in _SIDES),
    *(('legs', state) for state in ('apart', 'together', 'crossed')),
    *((leg, state) for leg in LEGS for state in ('raised', 'bent', 'straight')),
)


def instance_facts(instance: Instance, names: Sequence[str]) -> List[Fact]:
    """What the labeled keypoints of a person or an animal tell: bent, raised, facing, standing ...

    Left and right of limbs are the person's own, those of 'facing left' and 'leaning left' the image's. What is not
    labeled, foreshortened or between two thresholds is not stated.

    Args:
        instance: keypoints in any pixels: scale and position do not matter.
        names: K names in any spelling.
    """
    return facts_of(judge_pose(names, instance.keypoints, instance.labeled))


def facts_of(verdicts: Verdicts) -> List[Fact]:
    """What is true, in the order in which it is stated."""
    return [verdicts.fact(subject, state) for subject, state in STATED if verdicts.get(subject, state)]


def judge_pose(names: Sequence[str], keypoints: np.ndarray, labeled: np.ndarray) -> Verdicts:
    """All that keypoints prove or refute, see :func:`find_joints`."""
    verdicts, joints = Verdicts(), find_joints(names, keypoints, labeled)
    if is_animal(names):
        judge_animal(joints, verdicts)
        return verdicts
    body = measure_body(joints)
    judge_facing(body, verdicts)
    judge_head(body, verdicts)
    judge_trunk(body, verdicts)
    judge_limbs(body, verdicts)
    judge_posture(body, verdicts)
    return verdicts


def judge_all(facts: ImageFacts) -> List[Verdicts]:
    """:func:`judge_pose` for each instance."""
    return [judge_pose(facts.keypoint_names, one.keypoints, one.labeled) for one in facts.instances]
