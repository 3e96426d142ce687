"""Trunk, head, facing and posture of a person."""

from typing import List, Optional

from .body import Body
from .fact import FACING, Verdicts
from .geometry import angle, distance, from_down, lean
from .joints import OTHER_SIDE
from .limbs import SHORTEST

UPRIGHT, LEANING, BENT_OVER, UPSIDE_DOWN = 10.0, 15.0, 55.0, 135.0  # degrees of the trunk from upright
NOT_TOWARD_CAMERA = 0.7  # share of the trunk's length; a shorter one may lean to or from the camera
FRONTAL, SIDE_ON = 0.4, 0.35  # units between the shoulders along x: at least, at most
POSTURES = ('standing', 'sitting', 'kneeling', 'squatting', 'lying', 'upside down')
FACE = ('nose', 'left eye', 'right eye')


def judge_facing(body: Body, verdicts: Verdicts) -> None:
    """Of the head by nose and ears, of the person by the head and the order of the shoulders."""
    head = _head_facing(body)
    if head:
        for state in FACING:
            verdicts.add('head', state, state == head, state != head)
    width = body.offset('right shoulder', 'left shoulder', axis=0)
    if width is None or body.tilt is None or abs(body.tilt) > 45:
        return
    hips = body.offset('right hip', 'left hip', axis=0) or 0.0
    facing = None
    if width >= FRONTAL and head in (None, 'facing the camera') and hips > -0.1:
        facing = 'facing the camera'
    elif width <= -FRONTAL and not any(name in body.joints for name in FACE) and hips < 0.1:
        facing = 'facing away'
    elif abs(width) <= SIDE_ON and head in ('facing left', 'facing right'):
        facing = head
    if facing:
        for state in FACING:
            verdicts.add('person', state, state == facing, state != facing)


def _head_facing(body: Body) -> Optional[str]:
    ears = [body.offset(f'{side} ear', 'nose', axis=0) for side in OTHER_SIDE]  # from each ear to the nose
    if body.tilt is None or abs(body.tilt) > 45 or ears == [None, None]:
        return None
    left, right = ears
    if left is not None and right is not None and left * right < 0:
        # the nose between the ears: the left ear is on the right of the image
        return 'facing the camera' if left < 0 and min(-left, right) >= 0.25 * (right - left) else None
    turns = [turn for turn in ears if turn is not None]
    if max(turns) <= -0.08:
        return 'facing left'
    return 'facing right' if min(turns) >= 0.08 else None


def judge_head(body: Body, verdicts: Verdicts) -> None:
    """Tilted to a side of the image: by neck and top of the head, or by ears or eyes from the front."""
    tilt = None
    bottom = body.joints.get('head bottom') or body.joints.get('neck')
    if bottom and 'head top' in body.joints:
        tilt = lean(bottom, body.joints['head top'])
    elif verdicts.get('head', 'facing the camera'):
        for joint in ('ear', 'eye'):
            left, right = body.joints.get(f'left {joint}'), body.joints.get(f'right {joint}')
            if left and right:
                tilt = lean(right, left)
                tilt = None if tilt is None else tilt - 90
                break
    if tilt is None or abs(tilt) > 90:
        return
    verdicts.add('head', 'tilted left', tilt <= -20, tilt >= 0, tilt)
    verdicts.add('head', 'tilted right', tilt >= 20, tilt <= 0, tilt)


def judge_trunk(body: Body, verdicts: Verdicts) -> None:
    tilt = body.tilt
    if tilt is None:
        return
    size = abs(tilt)
    upright, down = size <= UPRIGHT, size >= BENT_OVER
    whole = distance(body.shoulders, body.hips) >= NOT_TOWARD_CAMERA * body.unit
    side, other = ('left', 'right') if tilt < 0 else ('right', 'left')
    legs = _legs_below(body)
    verdicts.add('trunk', 'upright', upright and whole, size >= LEANING, size)
    verdicts.add('trunk', f'leaning {side}', LEANING <= size < BENT_OVER, size <= 8, size)
    verdicts.add('trunk', f'leaning {other}', False, size <= 8 or LEANING <= size < UPSIDE_DOWN, size)
    if verdicts.get('person', 'facing left') or verdicts.get('person', 'facing right'):
        ahead = 'left' if verdicts.get('person', 'facing left') else 'right'
        leaning = LEANING <= size < BENT_OVER
        verdicts.add('trunk', 'leaning forward', leaning and side == ahead, leaning and side != ahead, size)
        verdicts.add(
            'trunk', 'leaning backward', leaning and side != ahead, size <= 8 or (leaning and side == ahead), size
        )
    verdicts.add('trunk', 'bent over', down and size <= 125 and bool(legs), size <= 30 and whole, size)
    verdicts.add('person', 'upside down', size >= UPSIDE_DOWN, size <= 90, size)


def _legs_below(body: Body) -> Optional[bool]:
    """Whether the legs go down from the hips (True) or continue a lying trunk (False)."""
    for joint in ('ankle', 'knee'):
        ends = [body.joints[f'{side} {joint}'] for side in OTHER_SIDE if f'{side} {joint}' in body.joints]
        if ends and body.hips:
            directions = [from_down(body.hips, end) or 0.0 for end in ends]
            if max(directions) <= 45:
                return True
            flat = min(directions) >= 65 and max(directions) <= 115
            stretched = all((angle(body.shoulders, body.hips, end) or 0.0) >= 120 for end in ends)
            return False if flat and stretched else None
    return None


def judge_posture(body: Body, verdicts: Verdicts) -> None:
    """Standing, sitting, kneeling, squatting, lying: only where legs and trunk decide; each excludes the others."""
    tilt = None if body.tilt is None else abs(body.tilt)
    posture = None
    if verdicts.get('person', 'upside down'):
        posture = 'upside down'
    elif tilt is not None and 70 <= tilt <= 110 and _legs_below(body) is False:
        posture = 'lying'
    elif tilt is not None and tilt <= 60:
        legs = [leg for leg in (_leg(body, side) for side in OTHER_SIDE) if leg]
        if tilt <= 45 and _stands(body, legs):
            posture = 'standing'
        elif _kneels(body):
            posture = 'kneeling'
        elif legs and _squats(body, legs):
            posture = 'squatting'
        elif tilt <= 35 and _sits(body):
            posture = 'sitting'
    if posture:
        for state in POSTURES:
            verdicts.add('person', state, state == posture, state != posture)


def _leg(body: Body, side: str) -> Optional[List[float]]:
    """Directions of thigh and shank from straight down, the knee's angle."""
    hip, knee, ankle = (body.joints.get(f'{side} {name}') for name in ('hip', 'knee', 'ankle'))
    if (
        not (hip and knee and ankle)
        or min(body.length(f'{side} hip', f'{side} knee'), body.length(f'{side} knee', f'{side} ankle')) < SHORTEST
    ):
        return None
    return [from_down(hip, knee), from_down(knee, ankle), angle(hip, knee, ankle)]


def _stands(body: Body, legs: List[List[float]]) -> bool:
    """All labeled legs stretch down, on feet of about the same height."""
    if not legs or not all(thigh <= 30 and shank <= 35 and knee >= 150 for thigh, shank, knee in legs):
        return False
    if any(_stretch_down(body, side) is False for side in OTHER_SIDE):
        return False
    feet, gap = body.offset('left ankle', 'right ankle', axis=1), body.length('left ankle', 'right ankle')
    return feet is None or (abs(feet) <= 0.3 and gap <= 1.0)


def _stretch_down(body: Body, side: str) -> Optional[bool]:
    """Whether hip, knee and ankle are as far apart as in a leg that stands; foreshortened thighs sit."""
    drop = body.offset(f'{side} hip', f'{side} ankle', axis=1)
    return None if drop is None else drop >= 1.0


def _kneels(body: Body) -> bool:
    """Shanks flat behind knees below the hips; or one, whose knee is as low as the other foot."""
    flat = {}
    for side in OTHER_SIDE:
        leg = _leg(body, side)
        if leg and body.length(f'{side} knee', f'{side} ankle') >= 0.3:
            flat[side] = leg[0] <= 40 and 65 <= leg[1] <= 120
    if len(flat) < 2:
        return False
    if all(flat.values()):
        return abs(body.offset('left knee', 'right knee', axis=1)) <= 0.3
    for side, other in OTHER_SIDE.items():
        level = body.offset(f'{side} knee', f'{other} ankle', axis=1)
        if flat[side] and abs(level) <= 0.2 and (_direction_of_thigh(body, other) or 0) >= 50:
            return True
    return False


def _squats(body: Body, legs: List[List[float]]) -> bool:
    """Knees folded, hips low over the feet."""
    drops = [body.offset(f'{side} hip', f'{side} ankle', axis=1) for side in OTHER_SIDE]
    drops = [drop for drop in drops if drop is not None]
    return all(knee <= 75 and thigh >= 70 and shank <= 60 for thigh, shank, knee in legs) and all(
        0.1 <= d <= 0.6 for d in drops
    )


def _sits(body: Body) -> bool:
    """Thighs well away from vertical, and a shank that goes down at about a right angle."""
    thighs = [_direction_of_thigh(body, side) for side in OTHER_SIDE]
    thighs = [thigh for thigh in thighs if thigh is not None]
    shanks = [_leg(body, side) for side in OTHER_SIDE]
    right_angle = any(leg and leg[1] <= 40 and 65 <= leg[2] <= 140 for leg in shanks)
    return bool(thighs) and min(thighs) >= 48 and max(thighs) <= 125 and right_angle


def _direction_of_thigh(body: Body, side: str) -> Optional[float]:
    if (body.length(f'{side} hip', f'{side} knee') or 0) < SHORTEST:
        return None
    return from_down(body.joints[f'{side} hip'], body.joints[f'{side} knee'])
