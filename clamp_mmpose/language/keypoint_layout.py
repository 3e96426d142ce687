"""Where the keypoints of a category usually are, from its annotations."""

from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

import numpy as np

from .image_facts import ImageFacts, Instance

MOST = 2000  # instances are enough for means
STRAIGHT = 1.15  # detour of a keypoint between two others
END = 0.25  # of the line between them


@dataclass(frozen=True, eq=False)
class KeypointLayout:
    """Statistics over N instances, each in its box.

    Attributes:
        mean, spread: ``[K, 2]``, from 0 to 1 of the box's width and height; NaN for a keypoint that is never labeled.
        labeled: ``[K]``, the fraction of instances that have the keypoint.
        distances: ``[K, K]``, mean distances in units of the box's diagonal, which turning the object does not
            change; NaN for a pair that is never labeled together.
    """

    mean: np.ndarray
    spread: np.ndarray
    labeled: np.ndarray
    distances: np.ndarray

    def neighbors(self, index: int) -> List[int]:
        """The other keypoints, the nearest first."""
        order = np.argsort(self.distances[index], kind='stable')
        return [int(i) for i in order if i != index and np.isfinite(self.distances[index, i])]

    def detour(self, index: int, first: int, second: int) -> float:
        """How much longer the way from ``first`` to ``second`` is over this keypoint: 1 if it is between them."""
        direct = self.distances[first, second]
        way = self.distances[first, index] + self.distances[index, second]
        return float(way / direct) if direct > 0 else float('inf')


def keypoint_layout(instances: Sequence[Instance]) -> KeypointLayout:
    """The layout of instances with the same keypoints; of many, 2000 are used, evenly spaced.

    Raises:
        ValueError: there are no instances.
    """
    if not instances:
        raise ValueError('a layout needs at least one instance with labeled keypoints.')
    instances = instances[:: -(-len(instances) // MOST)]
    boxes = np.array([instance.bbox for instance in instances])
    sizes = np.maximum(boxes[:, 2:] - boxes[:, :2], 1e-6)
    points = np.stack([instance.keypoints for instance in instances]).astype(float)  # [N, K, 2]
    labeled = np.stack([instance.labeled for instance in instances])
    places = np.where(labeled[..., None], (points - boxes[:, None, :2]) / sizes[:, None], 0)
    number = np.maximum(labeled.sum(0), 1)[:, None]
    mean = places.sum(0) / number
    variance = (np.where(labeled[..., None], places - mean, 0) ** 2).sum(0) / number
    never = ~labeled.any(0)[:, None]
    return KeypointLayout(
        mean=np.where(never, np.nan, mean),
        spread=np.where(never, np.nan, np.sqrt(variance)),
        labeled=labeled.mean(0),
        distances=_distances(points, labeled, np.hypot(*sizes.T)),
    )


def _distances(points: np.ndarray, labeled: np.ndarray, diagonals: np.ndarray) -> np.ndarray:
    """One keypoint after the other: all pairs of many instances at once would need much memory."""
    rows = []
    for index in range(points.shape[1]):
        both = labeled & labeled[:, index, None]  # [N, K]
        far = np.linalg.norm(points - points[:, index, None], axis=2) / diagonals[:, None]
        number = both.sum(0)
        rows.append(np.where(number > 0, np.where(both, far, 0).sum(0) / np.maximum(number, 1), np.nan))
    return np.array(rows)


def joined_facts(images: Sequence[ImageFacts], subject: str) -> ImageFacts:
    """All instances of images with the same keypoints as one entry named ``subject``."""
    first = images[0]
    size: Tuple[int, int] = (max(facts.size[0] for facts in images), max(facts.size[1] for facts in images))
    instances = [instance for facts in images for instance in facts.instances]
    return ImageFacts(subject, subject, size, first.keypoint_names, first.skeleton_links, first.flip_indices, instances)


def between(layout: KeypointLayout, index: int, flip_indices: Sequence[int]) -> Optional[Tuple[int, int]]:
    """The two keypoints that this one is most nearly on the line between, if it is, and not close to one end."""
    near = [i for i in layout.neighbors(index)[:6] if i != flip_indices[index]]
    pairs = [(a, b) for place, a in enumerate(near) for b in near[place + 1 :] if _inside(layout, index, a, b)]
    best = min(pairs, key=lambda pair: layout.detour(index, *pair), default=None)
    return best if best is not None and layout.detour(index, *best) < STRAIGHT else None


def _inside(layout: KeypointLayout, index: int, first: int, second: int) -> bool:
    return min(layout.distances[first, index], layout.distances[second, index]) > END * layout.distances[first, second]
