"""Arms, hands and legs of a person."""

from typing import Optional

from .body import FOREARM, SHANK, THIGH, UPPER_ARM, Body
from .fact import FACING, Verdicts
from .geometry import angle, distance, from_down
from .joints import OTHER_SIDE

BENT, STRAIGHT = 140.0, 160.0  # degrees at an elbow or a knee; in between neither is said
SLIGHTLY_BENT, SHARPLY_BENT = (105.0, 165.0), 80.0
SHORTEST = 0.12  # units; the direction of a shorter limb is noise
FORESHORTENED = 0.6  # a limb of less than this share of its length may be bent toward the camera
LIMBS = dict(arm=('shoulder', 'elbow', 'wrist'), leg=('hip', 'knee', 'ankle'))
TILTED = 50.0  # degrees of the trunk from which 'raised' and 'lowered' have no plain meaning
NEAR_HEAD, NEAR_HIP, TOGETHER = 0.4, 0.45, 0.2  # units between a wrist and the head, the hip, the other wrist
FRONTAL = 0.3  # units between the shoulders or the hips along x, from which left and right have an order
FAR_FROM_HEAD, FAR_FROM_HIP, SEPARATE = 0.9, 0.75, 0.6


def judge_limbs(body: Body, verdicts: Verdicts) -> None:
    """Facing must be known already."""
    for side in OTHER_SIDE:
        elbow = _joint_angle(body, f'{side} shoulder', f'{side} elbow', f'{side} wrist')
        knee = _joint_angle(body, f'{side} hip', f'{side} knee', f'{side} ankle')
        _judge_bend(body, verdicts, f'{side} elbow', elbow, _stretch(body, side, 'arm'))
        _judge_bend(body, verdicts, f'{side} knee', knee, _stretch(body, side, 'leg'))
        if body.tilt is None or abs(body.tilt) <= TILTED:
            _judge_height(body, verdicts, side, elbow)
            _judge_direction(body, verdicts, side, elbow)
            _judge_leg_height(body, verdicts, side)
        _judge_hand(body, verdicts, side, elbow)
    _judge_both_hands(body, verdicts)
    _judge_both_legs(body, verdicts)


def _joint_angle(body: Body, first: str, corner: str, second: str) -> Optional[float]:
    lengths = [body.length(first, corner), body.length(corner, second)]
    if None in lengths or min(lengths) < SHORTEST:
        return None
    return angle(*(body.joints[name] for name in (first, corner, second)))


def _stretch(body: Body, side: str, limb: str) -> float:
    """How much of a half of the limb is seen in the image, as a share of its length; of the more foreshortened half."""
    first, second, third = (f'{side} {name}' for name in LIMBS[limb])
    upper, lower = (UPPER_ARM, FOREARM) if limb == 'arm' else (THIGH, SHANK)
    return min((body.length(first, second) or 0.0) / upper, (body.length(second, third) or 0.0) / lower)


def _judge_bend(body: Body, verdicts: Verdicts, joint: str, degrees: Optional[float], stretch: float) -> None:
    if degrees is None:
        return
    bent, straight = degrees <= BENT, degrees >= STRAIGHT and stretch >= FORESHORTENED
    verdicts.add(joint, 'bent', bent, straight, degrees)
    verdicts.add(joint, 'straight', straight, bent, degrees)
    low, high = SLIGHTLY_BENT
    slightly = low <= degrees <= high
    verdicts.add(joint, 'slightly bent', slightly, degrees < SHARPLY_BENT or (straight and not slightly), degrees)
    verdicts.add(joint, 'sharply bent', degrees <= SHARPLY_BENT, degrees >= 120, degrees)


def _judge_height(body: Body, verdicts: Verdicts, side: str, bend: Optional[float]) -> None:
    shoulder, elbow, wrist = (body.joints.get(f'{side} {name}') for name in ('shoulder', 'elbow', 'wrist'))
    rise = body.offset(f'{side} wrist', f'{side} shoulder', axis=1)  # of the wrist above the shoulder
    if rise is None:
        return
    arm, hand = f'{side} arm', f'{side} hand'
    direction = from_down(shoulder, wrist)
    upper = from_down(shoulder, elbow) if elbow else None
    verdicts.add(hand, 'raised', rise >= 0.1, rise <= -0.15)
    if direction is None:
        return
    lifted = (upper or 0) >= 75 if elbow else rise >= 0.25
    raised = verdicts.add(
        arm,
        'raised',
        direction >= 110 and rise >= 0.15 and lifted,
        direction <= 45 and rise <= -0.25 and (upper or 0) <= 60,
        direction,
    )
    down = direction <= 30 and (upper or 0) <= 45 and (body.length(f'{side} shoulder', f'{side} wrist') or 0) >= 0.6
    hangs = down and (bend is None or bend >= 125)
    verdicts.add(arm, 'lowered', hangs, raised or direction >= 80 or rise >= 0, direction)
    verdicts.add(hand, 'lowered', rise <= -0.6 and direction <= 30, rise >= -0.1)
    _judge_above_head(body, verdicts, side)


def _judge_above_head(body: Body, verdicts: Verdicts, side: str) -> None:
    if not body.head or not body.unit:
        return
    wrist, hand = body.joints[f'{side} wrist'], f'{side} hand'
    top = body.joints['head top'][1] if 'head top' in body.joints else body.head[1] - 0.3 * body.unit
    verdicts.add(hand, 'above the head', wrist[1] <= top, wrist[1] >= body.head[1])


def _judge_direction(body: Body, verdicts: Verdicts, side: str, elbow: Optional[float]) -> None:
    """Stretched sideways or forward: straight and about horizontal."""
    direction = None
    if f'{side} wrist' in body.joints and f'{side} shoulder' in body.joints:
        direction = from_down(body.joints[f'{side} shoulder'], body.joints[f'{side} wrist'])
    if direction is None or elbow is None:
        return
    arm = f'{side} arm'
    not_so = direction <= 40 or direction >= 145 or elbow <= 100
    level = elbow >= 150 and 65 <= direction <= 115 and _stretch(body, side, 'arm') >= FORESHORTENED
    along = body.offset(f'{side} shoulder', f'{side} wrist', axis=0) or 0.0
    facing = next((state for state in FACING if verdicts.get('person', state)), None)
    # an arm toward the camera may look as if it hung down, so only what is seen across is judged
    if facing in ('facing the camera', 'facing away'):
        outward = (along > 0) == ((side == 'left') == (facing == 'facing the camera'))
        verdicts.add(arm, 'stretched sideways', level and outward, not_so, direction)
    elif facing:
        verdicts.add(arm, 'stretched forward', level and (along > 0) == (facing == 'facing right'), not_so, direction)


def _judge_hand(body: Body, verdicts: Verdicts, side: str, elbow: Optional[float]) -> None:
    wrist = body.joints.get(f'{side} wrist')
    if not wrist or not body.unit:
        return
    hand = f'{side} hand'
    if body.head:
        gap = distance(wrist, body.head) / body.unit
        chin = body.joints['head bottom'][1] if 'head bottom' in body.joints else body.head[1] + 0.25 * body.unit
        verdicts.add(hand, 'near the head', gap <= NEAR_HEAD and wrist[1] <= chin, gap >= FAR_FROM_HEAD)
    gap = body.length(f'{side} wrist', f'{side} hip')
    if gap is not None and elbow is not None:
        elbow_out = body.offset(f'{side} hip', f'{side} elbow', axis=0) or 0.0
        out = (body.offset(f'{side} hip', f'{side} wrist', axis=0) or 0.0) * (1 if elbow_out > 0 else -1)
        down = body.offset(f'{side} hip', f'{side} wrist', axis=1) or 0.0
        beside = -0.05 <= out < abs(elbow_out) and abs(elbow_out) >= 0.2 and down <= 0.05  # not before the belly
        verdicts.add(hand, 'on the hip', gap <= NEAR_HIP and elbow <= 130 and beside, gap >= FAR_FROM_HIP)


def _judge_both_hands(body: Body, verdicts: Verdicts) -> None:
    gap = body.length('left wrist', 'right wrist')
    if gap is None:
        return
    # arms side by side in profile look as if the hands met
    apart = max(body.length(f'left {joint}', f'right {joint}') or 0.0 for joint in ('elbow', 'shoulder'))
    verdicts.add('hands', 'together', gap <= TOGETHER and apart >= 0.3, gap >= SEPARATE)
    crossing = _order(body, 'wrist')
    if crossing is None or body.shoulders is None or body.hips is None:
        return
    low, high = sorted([body.shoulders[1], body.hips[1]])
    at_chest = all(low <= body.joints[f'{side} wrist'][1] <= high for side in OTHER_SIDE)
    bent = all(verdicts.get(f'{side} elbow', 'bent') for side in OTHER_SIDE)
    verdicts.add('arms', 'crossed', crossing <= -0.15 and at_chest and bent, crossing >= 0.3)


def _judge_leg_height(body: Body, verdicts: Verdicts, side: str) -> None:
    """A foot at the height of the other knee, above the other foot; a thigh lifted while the other hangs down."""
    other = OTHER_SIDE[side]
    lift = body.offset(f'{side} ankle', f'{other} ankle', axis=1)
    to_knee = body.offset(f'{side} ankle', f'{other} knee', axis=1)
    thighs = [_direction(body, f'{name} hip', f'{name} knee') for name in (side, other)]
    if lift is None or None in thighs:
        return
    standing_leg = thighs[1] <= 35 and not verdicts.get(f'{other} knee', 'bent')
    high = lift >= 0.5 and to_knee is not None and to_knee >= -0.15
    verdicts.add(f'{side} leg', 'raised', standing_leg and (high or (thighs[0] >= 75 and lift >= 0.3)), lift <= 0.05)


def _judge_both_legs(body: Body, verdicts: Verdicts) -> None:
    gap, ankles = body.length('left ankle', 'right ankle'), _order(body, 'ankle')
    thighs = [_direction(body, f'{side} hip', f'{side} knee') for side in OTHER_SIDE]
    if (
        gap is not None
        and None not in thighs
        and max(thighs) <= 60
        and abs(body.offset('left ankle', 'right ankle', 1)) <= 0.4
    ):
        verdicts.add('legs', 'apart', gap >= 0.75, gap <= 0.4)
        verdicts.add('legs', 'together', gap <= 0.25 and ankles is not None, gap >= 0.6)
    if ankles is not None:
        verdicts.add('legs', 'crossed', ankles <= -0.15, ankles >= 0.15 and (_order(body, 'knee') or 0) >= 0.15)


def _direction(body: Body, start: str, end: str) -> Optional[float]:
    if (body.length(start, end) or 0) < SHORTEST:
        return None
    return from_down(body.joints[start], body.joints[end])


def _order(body: Body, joint: str) -> Optional[float]:
    """How far the left joint is on the left side of the right one, in units; None unless shoulders or hips tell."""
    base = body.offset('right shoulder', 'left shoulder', axis=0)
    if base is None or abs(base) < FRONTAL:
        base = body.offset('right hip', 'left hip', axis=0)
    gap = body.offset(f'right {joint}', f'left {joint}', axis=0)
    if base is None or gap is None or abs(base) < FRONTAL:
        return None
    return gap if base > 0 else -gap
