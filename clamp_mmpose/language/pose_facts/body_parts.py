"""What only joints in 3D prove: where limbs point, how the trunk leans and turns, what the hands are near."""

import math
from typing import Tuple

from .body import Body
from .fact import Verdicts
from .geometry import angle, distance, from_down
from .joints import OTHER_SIDE
from .limbs import TILTED
from .posture import BENT_OVER, LEANING, POSTURES, UPRIGHT, UPSIDE_DOWN

RIGHT_ANGLE = (75.0, 105.0)  # degrees at an elbow or a knee
OUTWARD, AHEAD = 35.0, 55.0  # degrees around the body: up to the first a limb points sideways, from the second forward
LEVEL, LOW = (60.0, 120.0), 25.0  # degrees of an arm from straight down
STRETCHED = 150.0
KNEELING = ('kneeling', 'kneeling on the left knee', 'kneeling on the right knee')
TURNED = 20.0  # degrees between shoulders and hips, seen from above; likewise of a head
BOWED, LOOKING_UP = 50.0, -15.0  # degrees of neck to head forward of the trunk; 24 in a rest pose
LIFTED, FORWARD_THIGH = 0.25, 35.0  # units of a foot above the other; degrees of a thigh from straight down
NEAR_KNEE, NEAR_FOOT, NEAR_SHOULDER, NEAR_FLOOR, SEAT = 0.4, 0.5, 0.35, 0.3, 0.4  # units
STRIDE, LUNGE = 0.5, 0.9  # units from one foot to the other, along the way that the person faces


def judge_trunk_3d(body: Body, verdicts: Verdicts) -> None:
    """Leaning to which side of the person, bent over, upside down; where the upper body and the head turn."""
    tilt, hips, shoulders = body.tilt, body.hips, body.shoulders
    if tilt is None or not (hips and shoulders):
        return
    side, _, back = (b - a for a, b in zip(hips, shoulders))
    verdicts.add('trunk', 'upright', tilt <= UPRIGHT, tilt >= LEANING, tilt)
    verdicts.add('person', 'upside down', tilt >= UPSIDE_DOWN, tilt <= 90, tilt)
    if LEANING <= tilt < BENT_OVER:
        if abs(back) >= abs(side):
            verdicts.add('trunk', 'leaning backward' if back > 0 else 'leaning forward', True, degrees=tilt)
        else:
            verdicts.add('trunk', f'leaning to the {"left" if side > 0 else "right"}', True, degrees=tilt)
    bent = BENT_OVER <= tilt < UPSIDE_DOWN and back < 0 and _knees_below(body)
    verdicts.add('trunk', 'bent over', bent, tilt <= 30, tilt)
    if tilt <= BENT_OVER:
        turn = _heading(body, 'shoulder') - _heading(body, 'hip')
        turn = (turn + 180) % 360 - 180
        verdicts.add('trunk', 'turned left', turn >= TURNED, turn <= 0, turn)
        verdicts.add('trunk', 'turned right', turn <= -TURNED, turn >= 0, turn)


def judge_head_3d(body: Body, verdicts: Verdicts) -> None:
    """Bowed or tilted, against the trunk: ``body`` has its trunk upright."""
    neck, head = body.joints.get('neck'), body.joints.get('head')
    if not neck or not head or not distance(neck, head):
        return
    side, down, back = (b - a for a, b in zip(neck, head))
    forward, sideways = (math.degrees(math.atan2(length, -down)) for length in (-back, side))
    verdicts.add('head', 'lowered', forward >= BOWED, forward <= 30, forward)
    verdicts.add('head', 'raised', forward <= LOOKING_UP, forward >= 10, forward)
    verdicts.add('head', 'tilted to the left', sideways >= TURNED, sideways <= 0, sideways)
    verdicts.add('head', 'tilted to the right', sideways <= -TURNED, sideways >= 0, sideways)


def judge_arms_3d(body: Body, verdicts: Verdicts) -> None:
    """Where arms point, how much they bend, and what hands are near; limbs of a bent trunk can only hang down."""
    for side in OTHER_SIDE:
        shoulder, elbow, wrist = (body.joints.get(f'{side} {name}') for name in ('shoulder', 'elbow', 'wrist'))
        if not (shoulder and elbow and wrist):
            continue
        bend = angle(shoulder, elbow, wrist)
        if bend is None:
            continue
        low, high = RIGHT_ANGLE
        verdicts.add(f'{side} elbow', 'at a right angle', low <= bend <= high, bend <= 60 or bend >= 120, bend)
        if body.tilt is not None and body.tilt <= TILTED:
            _judge_arm(body, verdicts, side, bend >= STRETCHED)
        else:
            hangs = (from_down(shoulder, wrist) or 180) <= LOW and bend >= STRETCHED
            verdicts.add(f'{side} arm', 'lowered', hangs)
        _judge_near(body, verdicts, side, bend)


def judge_legs_3d(body: Body, verdicts: Verdicts) -> None:
    """A foot off the floor, and where to; one foot in front of the other; right angles at the knees."""
    for side, other in OTHER_SIDE.items():
        hip, knee, ankle = (body.joints.get(f'{side} {name}') for name in ('hip', 'knee', 'ankle'))
        lift = body.offset(f'{side} ankle', f'{other} ankle', axis=1)
        if not (hip and knee and ankle) or lift is None:
            continue
        bend = angle(hip, knee, ankle)
        if bend is None:
            continue
        low, high = RIGHT_ANGLE
        verdicts.add(f'{side} knee', 'at a right angle', low <= bend <= high, bend <= 60 or bend >= 120, bend)
        thigh, standing = from_down(hip, knee), _stands_on(body, other)
        raised = standing and lift >= LIFTED
        way = _way(body, side, hip, knee if (thigh or 0) >= FORWARD_THIGH else ankle)
        for state in ('forward', 'sideways', 'backward'):
            verdicts.add(f'{side} leg', f'raised {state}', raised and way.endswith(state), lift <= 0.05)
        ahead = body.offset(f'{side} ankle', f'{other} ankle', axis=2)
        strides = ahead is not None and ahead >= STRIDE and abs(lift) <= LIFTED
        verdicts.add(f'{side} leg', 'in front', strides, ahead is not None and ahead <= 0.1)
        lunges = ahead is not None and ahead >= LUNGE and abs(lift) <= 2 * LIFTED and (thigh or 0) >= 45 and bend <= 130
        if lunges and not any(verdicts.get('person', state) for state in KNEELING):
            verdicts.add('person', f'lunging with the {side} leg', True)
            verdicts.add(f'{side} leg', 'raised forward', False, True)


def judge_floor(body: Body, verdicts: Verdicts) -> None:
    """On which side a person lies, on which knee they kneel, a plank, all fours; ``body`` has gravity's up."""
    if verdicts.get('person', 'kneeling'):
        for side, other in OTHER_SIDE.items():
            higher = (body.offset(f'{side} knee', f'{other} knee', axis=1) or 0.0) < -0.2
            if higher:
                _only(verdicts, 'kneeling', f'kneeling on the {side} knee')
    shoulders, hips, tilt = body.shoulders, body.hips, body.tilt
    if not (shoulders and hips and body.unit) or tilt is None:
        return
    floor = max(point[1] for point in body.joints.values())
    if (
        tilt <= TILTED
        and floor - hips[1] <= SEAT * body.unit
        and not any(verdicts.get('person', one) for one in POSTURES)
    ):
        _only(verdicts, '', 'sitting on the floor')
    wrists = [body.joints[f'{side} wrist'] for side in OTHER_SIDE if f'{side} wrist' in body.joints]
    if len(wrists) < 2 or not BENT_OVER <= tilt <= 125:
        return
    hands_down = all(floor - wrist[1] <= NEAR_FLOOR * body.unit for wrist in wrists)
    held_up = all(wrist[1] - shoulders[1] >= 0.7 * body.unit for wrist in wrists)
    knees = [body.joints[f'{side} knee'] for side in OTHER_SIDE if f'{side} knee' in body.joints]
    knees_down = len(knees) == 2 and all(floor - knee[1] <= NEAR_FLOOR * body.unit for knee in knees)
    if hands_down and held_up and knees_down and not verdicts.get('person', 'lying'):
        _only(verdicts, '', 'on all fours')
    elif hands_down and held_up and verdicts.get('person', 'lying'):
        _only(verdicts, 'lying', 'in a plank')
    elif verdicts.get('person', 'lying'):
        _only(verdicts, 'lying', _lying(body))


def _judge_arm(body: Body, verdicts: Verdicts, side: str, straight: bool) -> None:
    arm, shoulder = f'{side} arm', body.joints[f'{side} shoulder']
    end = body.joints[f'{side} wrist' if straight else f'{side} elbow']
    direction, way = from_down(shoulder, end), _way(body, side, shoulder, end)
    if direction is None:
        return
    low, high = LEVEL
    level = low <= direction <= high
    start = 'stretched' if straight else 'held'
    for state in ('forward', 'sideways', 'backward', 'diagonally forward', 'across the body'):
        verdicts.add(arm, f'{start} {state}', level and way == state, direction <= 40 or direction >= 145, direction)
        below = straight and LOW < direction < low and way == state
        verdicts.add(arm, f'lowered {state}', below, direction >= 80 or direction <= 15, direction)


def _judge_near(body: Body, verdicts: Verdicts, side: str, bend: float) -> None:
    """What a hand is near, and where a bent arm brings it."""
    hand, wrist, other = f'{side} hand', body.joints[f'{side} wrist'], OTHER_SIDE[side]
    for state, joint, near in (
        ('on the knee', f'{side} knee', NEAR_KNEE),
        ('near the foot', f'{side} ankle', NEAR_FOOT),
        ('near the foot', f'{other} ankle', NEAR_FOOT),
        ('near the other shoulder', f'{other} shoulder', NEAR_SHOULDER),
    ):
        gap = body.length(f'{side} wrist', joint)
        if gap is not None and not verdicts.get(hand, state):
            verdicts.add(hand, state, gap <= near, gap >= 2 * near)
    if not (body.shoulders and body.hips and body.unit) or bend >= STRETCHED:
        return
    share = (wrist[1] - body.shoulders[1]) / (body.hips[1] - body.shoulders[1])  # 0 at the shoulders, 1 at the hips
    middle = [a + share * (b - a) for a, b in zip(body.shoulders, body.hips)]
    aside, behind = abs(wrist[0] - middle[0]) / body.unit, (wrist[2] - middle[2]) / body.unit
    verdicts.add(hand, 'behind the back', behind >= 0.12 and aside <= 0.4 and 0.2 <= share <= 1.3, behind <= -0.1)
    chest = -0.8 <= behind <= -0.2 and aside <= 0.4 and -0.1 <= share <= 0.6
    verdicts.add(hand, 'in front of the chest', chest, behind >= 0 or share >= 0.9)


def _way(body: Body, side: str, start: Tuple[float, ...], end: Tuple[float, ...]) -> str:
    """Where a limb points, seen from above."""
    out = (end[0] - start[0]) * (1 if side == 'left' else -1)
    around = math.degrees(math.atan2(start[2] - end[2], out))  # 0 outward, 90 forward
    if abs(around) <= OUTWARD:
        return 'sideways'
    if around < 0:
        return 'backward'
    if around < AHEAD:
        return 'diagonally forward'
    return 'forward' if around <= 125 else 'across the body'


def _heading(body: Body, joint: str) -> float:
    """Where the line between two joints points, seen from above: grows when the person turns left."""
    left, right = body.joints[f'left {joint}'], body.joints[f'right {joint}']
    return math.degrees(math.atan2(left[2] - right[2], left[0] - right[0]))


def _stands_on(body: Body, side: str) -> bool:
    hip, knee, ankle = (body.joints.get(f'{side} {name}') for name in ('hip', 'knee', 'ankle'))
    if not (hip and knee and ankle):
        return False
    return (from_down(hip, ankle) or 0.0) <= 30 and (angle(hip, knee, ankle) or 0.0) >= 130


def _knees_below(body: Body) -> bool:
    falls = [body.offset(f'{side} hip', f'{side} knee', axis=1) for side in OTHER_SIDE]
    return all(fall is not None and fall >= 0.4 for fall in falls)


def _lying(body: Body) -> str:
    """By the way that the front of the trunk shows."""
    front, left = _front(body)
    if abs(front) >= abs(left):
        return 'lying face up' if front > 0 else 'lying face down'
    return f'lying on the {"right" if left > 0 else "left"} side'


def _front(body: Body) -> Tuple[float, float]:
    """How much of the body's front, and of its left side, points up."""
    assert body.shoulders and body.hips
    across = [a - b for a, b in zip(body.joints['left shoulder'], body.joints['right shoulder'])]
    trunk = [a - b for a, b in zip(body.shoulders, body.hips)]
    front_down = across[2] * trunk[0] - across[0] * trunk[2]  # y of the cross product, which points down
    size = math.hypot(*across) * math.hypot(*trunk)
    return -front_down / size, -across[1] / math.hypot(*across)


def _only(verdicts: Verdicts, general: str, special: str) -> None:
    """State what is special instead of what is general."""
    if general:
        verdicts.add('person', general, False, True)
    verdicts.add('person', special, True)
