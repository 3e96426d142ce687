"""One set of labels out of those of several people, and how much they differ."""

from dataclasses import dataclass, field
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from .boxes import box_of
from .project import LabeledImage, LabeledInstance

DISAGREE = 0.15  # of the size of the instance, the root of its area: further apart, the label is not used
SAME = 0.5  # of the size: further apart on average, two instances are not the same animal
MIN_REPEATS = 5  # images in which a keypoint was labeled twice
DEFAULT_SIGMA = 0.05  # about the mean of COCO's 17 keypoints
SIGMA_RANGE = (0.01, 0.15)


@dataclass
class Repeats:
    """Labels of the same point by several people.

    Attributes:
        squares: for each keypoint, estimates of the variance of a label relative to the area of the instance.
        disagreements: (image, keypoint, pixels) of labels that were not used.
        images: with labels of several people.
    """

    squares: Dict[int, List[float]] = field(default_factory=dict)
    disagreements: List[Tuple[str, int, float]] = field(default_factory=list)
    images: int = 0


def merge_labelers(images: Sequence[LabeledImage]) -> Repeats:
    """Replace what several people labeled by their mean; labels that are far apart are not used."""
    repeats = Repeats()
    for image in images:
        labelers = list(dict.fromkeys(instance.labeler for instance in image.instances))
        if len(labelers) > 1:
            repeats.images += 1
            image.instances = [
                group[0] if len(group) == 1 else _mean(group, image.name, repeats)
                for group in _groups(image.instances, labelers)
            ]
    return repeats


def _groups(instances: List[LabeledInstance], labelers: Sequence[Optional[str]]) -> List[List[LabeledInstance]]:
    """Those of one animal: of one individual's name, else the nearest."""
    if len(instances) == len(labelers) and len({instance.track for instance in instances}) == 1:
        return [instances]  # one each: the same animal, however far apart the labels are
    groups = [[instance] for instance in instances if instance.labeler == labelers[0]]
    for labeler in labelers[1:]:
        own = [instance for instance in instances if instance.labeler == labeler]
        costs = np.array([[_distance(group[0], instance) for instance in own] for group in groups]).reshape(
            -1, len(own)
        )
        matched = {
            column: row
            for row, column in zip(*linear_sum_assignment(np.minimum(costs, 1e6)))
            if costs[row, column] < SAME
        }
        for i, instance in enumerate(own):
            if i in matched:
                groups[matched[i]].append(instance)
            else:
                groups.append([instance])
    return groups


def _distance(first: LabeledInstance, second: LabeledInstance) -> float:
    """Between two instances, relative to their size."""
    if first.track is not None and second.track is not None:
        return 0.0 if first.track == second.track else 1e6
    both = first.labeled & second.labeled
    if not both.any():
        return 1e6
    distance = np.linalg.norm(first.keypoints[both] - second.keypoints[both], axis=1)
    return float(np.median(distance)) / max(_size(first), _size(second))


def _size(instance: LabeledInstance) -> float:
    """The root of the area of the box in pixels."""
    x1, y1, x2, y2 = box_of(instance)
    return float(np.sqrt(max((x2 - x1) * (y2 - y1), 1.0)))


def _mean(group: List[LabeledInstance], name: str, repeats: Repeats) -> LabeledInstance:
    points = np.stack([instance.keypoints for instance in group])
    size = max(_size(instance) for instance in group)  # who labels fewer points sees a smaller animal
    keypoints = np.full(points.shape[1:], np.nan)
    for k in range(points.shape[1]):
        own = points[~np.isnan(points[:, k, 0]), k]
        if not len(own):
            continue
        center = own.mean(axis=0)
        apart = max(float(np.linalg.norm(a - b)) for a in own for b in own)
        if apart > DISAGREE * size:
            repeats.disagreements.append((name, k, apart))
            continue
        keypoints[k] = center
        if len(own) > 1:
            square = ((own - center) ** 2).sum() / (len(own) - 1)
            repeats.squares.setdefault(k, []).append(float(square) / size**2)
    boxes = [instance.box for instance in group if instance.box is not None]
    return LabeledInstance(
        keypoints,
        np.all([instance.visible for instance in group], axis=0),
        tuple(np.mean(boxes, axis=0)) if boxes else None,
        group[0].track,
        ' + '.join(str(instance.labeler) for instance in group),
    )


def estimate_sigmas(repeats: Repeats, number: int) -> Tuple[List[float], str]:
    """COCO's sigma of each keypoint: the standard deviation of a label, relative to the root of the instance's area.

    Args:
        number: of keypoints.

    Returns:
        tuple: the sigmas, and how they were found.
    """
    every = [square for squares in repeats.squares.values() for square in squares]
    if len(every) < MIN_REPEATS:
        return [DEFAULT_SIGMA] * number, f'default {DEFAULT_SIGMA} of every keypoint: hardly any was labeled twice'
    whole = np.mean(every)
    means = [
        np.mean(repeats.squares[k]) if len(repeats.squares.get(k, [])) >= MIN_REPEATS else whole for k in range(number)
    ]
    sigmas = np.clip(np.sqrt(means), *SIGMA_RANGE).round(4).tolist()
    return sigmas, f'estimated from {len(every):,} points in {repeats.images:,} images with labels of several people'
