from pathlib import PurePath
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
from mmpose.registry import DATASETS

from clamp_mmpose.body.pose_entries import pose_entry
from clamp_mmpose.datasets.poses import PoseSample

FARTHEST, LARGER = 0.25, 2.0  # of two boxes of one person: centers apart, in longer sides; longer sides, as a ratio


class PersonPoses:
    """The 3D poses of the people in images, found by image and box.

    Args:
        reader: config of a reader of poses.

    Raises:
        ValueError: no pose has an image and a box.
    """

    def __init__(self, reader: Dict[str, Any]):
        self.by_name: Dict[str, List[PoseSample]] = {}
        for sample in DATASETS.build(reader):
            if sample.image is not None and sample.box is not None:
                self.by_name.setdefault(PurePath(sample.image).name, []).append(sample)
        if not self.by_name:
            raise ValueError(f'the reader {reader.get("type")} has no pose with an image and a box: give another.')

    def match(self, image: str, boxes: Sequence[Sequence[float]]) -> List[Optional[Dict[str, Any]]]:
        """For each box the pose (:func:`pose_entry`) whose box has the nearest center, each only once; None if none is
        near. Data sets make boxes in different ways: of a person's extent, or a square around it.

        Args:
            image: the name below the folder of the images; the pose's image must end with it.
            boxes: left, top, right, bottom in pixels.
        """
        parts = PurePath(image).parts
        samples = [
            one
            for one in self.by_name.get(PurePath(image).name, ())
            if PurePath(one.image or '').parts[-len(parts) :] == parts
        ]
        pairs = sorted(
            (_apart(box, one.box or box), i, j) for i, box in enumerate(boxes) for j, one in enumerate(samples)
        )
        found: List[Optional[Dict[str, Any]]] = [None] * len(boxes)
        taken: Tuple[set, set] = (set(), set())
        for apart, i, j in pairs:
            if apart <= FARTHEST and i not in taken[0] and j not in taken[1]:
                taken[0].add(i)
                taken[1].add(j)
                found[i] = pose_entry(samples[j].rotations, samples[j].mask)
        return found


def _apart(first: Sequence[float], second: Sequence[float]) -> float:
    """Between the centers, in longer sides of the first box; infinite if one is much larger."""
    one, other = np.reshape(first, (2, 2)), np.reshape(second, (2, 2))
    sides = [float(np.ptp(box, axis=0).max()) for box in (one, other)]
    if min(sides) <= 0 or max(sides) > LARGER * min(sides):
        return float('inf')
    return float(np.linalg.norm(one.mean(0) - other.mean(0))) / sides[0]
