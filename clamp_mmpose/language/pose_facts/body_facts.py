from typing import List, Optional, Sequence, Tuple

import numpy as np

from .body_parts import judge_arms_3d, judge_floor, judge_head_3d, judge_legs_3d, judge_trunk_3d
from .fact import Fact, Verdicts
from .joints import OTHER_SIDE, find_joints
from .limbs import judge_limbs
from .person_frame import CAMERA_UP, measure_person
from .posture import POSTURES, judge_posture

LYING = ('lying', 'lying face up', 'lying face down', 'lying on the left side', 'lying on the right side', 'in a plank')
WAYS = ('forward', 'sideways', 'backward', 'diagonally forward', 'across the body')
HAND = (
    'above the head',
    'near the head',
    'on the hip',
    'on the knee',
    'near the foot',
    'near the other shoulder',
    'behind the back',
    'in front of the chest',
    'raised',
)
TRUNK = (
    'upright',
    'leaning forward',
    'leaning backward',
    'leaning to the left',
    'leaning to the right',
    'bent over',
    'turned left',
    'turned right',
)
BENDS = ('at a right angle', 'bent', 'straight')
_PERSON = (
    *POSTURES,
    'kneeling on the left knee',
    'kneeling on the right knee',
    'lunging with the left leg',
    'lunging with the right leg',
    'sitting on the floor',
    'on all fours',
    *LYING[1:],
)
# what is stated, in this order
STATED: Tuple[Tuple[str, str], ...] = (
    *(('person', state) for state in _PERSON),
    *(('trunk', state) for state in TRUNK),
    *(('head', state) for state in ('lowered', 'raised', 'tilted to the left', 'tilted to the right')),
    *((f'{side} arm', state) for side in OTHER_SIDE for state in ('raised', 'lowered')),
    *(
        (f'{side} arm', f'{how} {way}')
        for side in OTHER_SIDE
        for how in ('stretched', 'held', 'lowered')
        for way in WAYS
    ),
    *((f'{side} elbow', state) for side in OTHER_SIDE for state in BENDS),
    *((f'{side} hand', state) for side in OTHER_SIDE for state in HAND),
    ('arms', 'crossed'),
    ('hands', 'together'),
    *((f'{side} knee', state) for side in OTHER_SIDE for state in BENDS),
    *((f'{side} leg', f'raised {way}') for side in OTHER_SIDE for way in WAYS[:3]),
    *((f'{side} leg', 'in front') for side in OTHER_SIDE),
    *(('legs', state) for state in ('apart', 'together', 'crossed')),
)


def body_facts(joints: np.ndarray, names: Sequence[str], up: Optional[Sequence[float]] = CAMERA_UP) -> List[Fact]:
    """What a person's joints in 3D tell: raised, bent at a right angle, stretched forward, kneeling on one knee ...

    Left, right, forward and sideways are the person's own. What is between two thresholds is not stated. The rules for
    bent, raised, together, sitting ... are those for keypoints of images, see :func:`instance_facts`.

    Args:
        joints: ``[K, 3]``, meters in any right-handed frame, such as SMPL's 24 joints in a camera's.
        names: K names in any spelling, with both shoulders and hips.
        up: against gravity in the joints' frame; by default in a camera's, whose y points down. None if unknown: then
            the trunk is taken to be upright.

    Raises:
        ValueError: another shape, a joint that is needed is missing, or joints in one place.
    """
    verdicts = judge_body(joints, names, up)
    return [verdicts.fact(*stated) for stated in STATED if verdicts.get(*stated) and not _covered(verdicts, *stated)]


def judge_body(joints: np.ndarray, names: Sequence[str], up: Optional[Sequence[float]] = CAMERA_UP) -> Verdicts:
    """All that joints in 3D prove or refute, see :func:`body_facts`."""
    joints = np.asarray(joints, dtype=float)
    if joints.ndim != 2 or joints.shape[1] != 3:
        raise ValueError(f'expected joints [K, 3] in meters, got {list(joints.shape)}.')
    found, verdicts = find_joints(names, joints, np.ones(len(joints), bool)), Verdicts()
    body, upright = measure_person(found, up), measure_person(found, None)
    judge_trunk_3d(body, verdicts)
    judge_head_3d(upright, verdicts)
    judge_posture(body, verdicts)
    judge_floor(body, verdicts)
    lies = any(verdicts.get('person', state) for state in (*LYING, 'upside down'))
    limbs = upright if lies else body  # in someone who lies, raised is beyond the head
    judge_limbs(limbs, verdicts)
    judge_arms_3d(limbs, verdicts)
    judge_legs_3d(limbs, verdicts)
    return verdicts


def _covered(verdicts: Verdicts, subject: str, state: str) -> bool:
    """Whether a fact that is stated already says so."""
    side = subject.split()[0]
    arm = f'{side} arm'
    if state == 'bent':
        return bool(verdicts.get(subject, 'at a right angle'))
    held = any(verdicts.get(arm, f'held {way}') for way in WAYS)
    if subject == arm and state == 'raised':
        return held  # the upper arm is level: the hand alone is raised
    if subject == arm and state.startswith(('stretched', 'lowered ')):
        return bool(verdicts.get(arm, 'raised') or verdicts.get(arm, 'lowered'))
    if subject == f'{side} hand' and state == 'raised':
        return bool(verdicts.get(subject, 'above the head') or (verdicts.get(arm, 'raised') and not held))
    if subject == f'{side} leg' and state == 'in front':
        return bool(verdicts.get('person', f'lunging with the {side} leg'))
    return subject == 'legs' and state == 'apart' and any(verdicts.get(f'{one} leg', 'in front') for one in OTHER_SIDE)
