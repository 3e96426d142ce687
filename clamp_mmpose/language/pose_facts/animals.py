"""What the joints of an animal on four legs tell."""

from typing import Dict, List, Tuple

from .fact import FACING, Verdicts
from .geometry import Point, angle, distance, middle
from .joints import LEG_CHAINS, OTHER_SIDE

BENT, STRAIGHT = 120.0, 160.0  # degrees; a standing animal's legs are a little bent already
LENGTHWISE = 0.5  # share of the body's length along x
LEGS = tuple(f'{side} {end} leg' for end in LEG_CHAINS for side in OTHER_SIDE)


def judge_animal(joints: Dict[str, Point], verdicts: Verdicts) -> None:
    ends = _body(joints)
    if ends is None:
        return
    front, back = ends
    unit = distance(front, back)
    _judge_facing(joints, verdicts, front, back, unit)
    chains = {leg: _chain(joints, leg) for leg in LEGS}
    for leg, chain in chains.items():
        if len(chain) == 3 and min(distance(*chain[:2]), distance(*chain[1:])) >= 0.08 * unit:
            degrees = angle(*chain)
            verdicts.add(leg, 'bent', degrees <= BENT, degrees >= STRAIGHT, degrees)
            verdicts.add(leg, 'straight', degrees >= STRAIGHT, degrees <= BENT, degrees)
    if abs(front[1] - back[1]) > 0.7 * unit:
        return  # climbing or lying on its back: heights of paws say nothing
    paws = {leg: chain[-1][1] for leg, chain in chains.items() if len(chain) > 1}
    ground = max(paws.values(), default=0.0)
    for leg, height in paws.items():
        if len(paws) >= 3:
            lift = (ground - height) / unit
            verdicts.add(leg, 'raised', lift >= 0.35, lift <= 0.12)
    belly = max(front[1], back[1])
    if len(paws) >= 3:
        drops = [(height - belly) / unit for height in paws.values()]
        verdicts.add('person', 'standing', min(drops) >= 0.45 and (ground - min(paws.values())) / unit <= 0.3)
    if 'nose' in joints:
        rise = (min(front[1], back[1]) - joints['nose'][1]) / unit
        verdicts.add('head', 'raised', rise >= 0.2, rise <= -0.1)
        verdicts.add('head', 'lowered', joints['nose'][1] >= belly + 0.3 * unit, rise >= 0)


def _judge_facing(joints: Dict[str, Point], verdicts: Verdicts, front: Point, back: Point, unit: float) -> None:
    along = (front[0] - back[0]) / unit
    if abs(along) < LENGTHWISE:
        return
    facing = 'facing right' if along > 0 else 'facing left'
    for state in FACING:
        verdicts.add('person', state, state == facing, state != facing)


def _chain(joints: Dict[str, Point], leg: str) -> List[Point]:
    """The labeled joints of 'left front leg' from the body to the paw; empty without the paw."""
    side, end, _ = leg.split()
    for names in LEG_CHAINS[end]:
        found = [joints.get(f'{side} {name}') for name in names]
        if found[-1] and found[0]:
            return [point for point in found if point]
    return []


def _body(joints: Dict[str, Point]):
    """Front and back end of the back; None if one is not labeled or both are the same point."""
    front = _first(
        joints, (('neck',), ('withers',), ('left shoulder', 'right shoulder'), ('left shoulder',), ('right shoulder',))
    )
    back = _first(joints, (('tail',), ('left hip', 'right hip'), ('left hip',), ('right hip',)))
    if not front or not back or distance(front, back) == 0:
        return None
    return front, back


def _first(joints: Dict[str, Point], choices: Tuple[Tuple[str, ...], ...]):
    for names in choices:
        points = [joints[name] for name in names if name in joints]
        if len(points) == len(names):
            return points[0] if len(points) == 1 else middle(*points)
    return None
