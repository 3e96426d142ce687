from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

from clamp_mmpose.language.image_facts import ImageFacts, Instance

from .body import Body, measure_body
from .fact import Verdicts
from .instance_facts import judge_all
from .joints import find_joints, is_animal

NEARER, TALLER, ALIKE = 1.5, 1.12, 1.35  # ratios of sizes in the image


@dataclass(frozen=True)
class Relation:
    """``first`` is 'left of', 'nearer than', 'taller than', 'facing' (each other) or 'close to' ``second``.

    Both are indices into ``ImageFacts.instances``; left is the left of the image; 'nearer' goes by size.
    """

    first: int
    state: str
    second: int


def relations(facts: ImageFacts, verdicts: Optional[Sequence[Verdicts]] = None) -> List[Relation]:
    """Between each two neighbors of the same category, from left to right.

    Args:
        facts: of one image.
        verdicts: those of :func:`judge_all`, if they are there already.
    """
    if verdicts is None:
        verdicts = judge_all(facts)
    boxes = [box_of(one) for one in facts.instances]
    order = sorted(range(len(boxes)), key=lambda i: center_of(boxes[i]))
    found = []
    for first, second in zip(order, order[1:]):
        if facts.instances[first].category == facts.instances[second].category:
            found += _pair(facts, verdicts, boxes, first, second)
    return found


def box_of(instance: Instance) -> Tuple[float, float, float, float]:
    """Its box; that of its keypoints if it has no area."""
    left, top, right, bottom = instance.bbox
    points = instance.keypoints[instance.labeled]
    if (right > left and bottom > top) or not len(points):
        return left, top, right, bottom
    return (*points[:, :2].min(0).tolist(), *points[:, :2].max(0).tolist())


def center_of(box: Sequence[float]) -> float:
    """Along x."""
    return (box[0] + box[2]) / 2


def _pair(facts: ImageFacts, verdicts, boxes, first: int, second: int) -> List[Relation]:
    found = []
    one, two = boxes[first], boxes[second]
    width = ((one[2] - one[0]) + (two[2] - two[0])) / 2
    if center_of(two) - center_of(one) >= width / 2 > 0:
        found.append(Relation(first, 'left of', second))
    if is_animal(facts.keypoint_names):
        return found
    bodies = [
        measure_body(find_joints(facts.keypoint_names, one.keypoints, one.labeled))
        for one in (facts.instances[first], facts.instances[second])
    ]
    sizes = [body.unit for body in bodies]
    if None in sizes:
        return found
    ratio = sizes[0] / sizes[1]
    if max(ratio, 1 / ratio) >= NEARER:
        found.append(Relation(first, 'nearer than', second) if ratio > 1 else Relation(second, 'nearer than', first))
    if max(ratio, 1 / ratio) > ALIKE:
        return found
    if all(verdicts[index].get('person', 'standing') for index in (first, second)):
        found += _taller(bodies, first, second)
    unit, gap = sum(sizes) / 2, two[0] - one[2]
    if gap <= 3 * unit:
        right, left = verdicts[first].get('person', 'facing right'), verdicts[second].get('person', 'facing left')
        if right and left:
            found.append(Relation(first, 'facing', second))
    if gap <= 0.5 * unit and abs(one[3] - two[3]) <= unit:
        found.append(Relation(first, 'close to', second))
    return found


def _taller(bodies: Sequence[Body], first: int, second: int) -> List[Relation]:
    """Of two who stand on the same ground, from ankles to head."""
    feet = [[body.joints[name][1] for name in ('left ankle', 'right ankle') if name in body.joints] for body in bodies]
    if not all(feet) or not all(body.head for body in bodies):
        return []
    heights = [max(low) - body.head[1] for low, body in zip(feet, bodies)]
    same_ground = abs(max(feet[0]) - max(feet[1])) <= 0.1 * max(heights)
    if min(heights) <= 0 or not same_ground or max(heights) < TALLER * min(heights):
        return []
    return [
        Relation(first, 'taller than', second) if heights[0] > heights[1] else Relation(second, 'taller than', first)
    ]
