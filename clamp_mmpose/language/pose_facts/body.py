from dataclasses import dataclass
from typing import Dict, Optional

from .geometry import Point, distance, lean, middle

# lengths of a standing person, as shares of the trunk from hips to shoulders (Drillis and Contini's body segments)
UPPER_ARM, FOREARM, THIGH, SHANK, SHOULDERS = 0.62, 0.5, 0.83, 0.83, 0.78


@dataclass(frozen=True)
class Body:
    """A person's joints and what several facts are measured against.

    Attributes:
        joints: by name, see :func:`find_joints`.
        unit: length of the trunk if it were not foreshortened: the longest that any part of the body asks for; None
            if no part has a length.
        shoulders, hips: the points between the two; of one side if the other is not labeled.
        tilt: of the trunk, in degrees from upright, negative to the left of the image, -180 to 180; None if unknown.
        head: its center.
    """

    joints: Dict[str, Point]
    unit: Optional[float]
    shoulders: Optional[Point]
    hips: Optional[Point]
    tilt: Optional[float]
    head: Optional[Point]

    def length(self, first: str, second: str) -> Optional[float]:
        """Between two joints, in units."""
        if not self.unit or first not in self.joints or second not in self.joints:
            return None
        return distance(self.joints[first], self.joints[second]) / self.unit

    def offset(self, first: str, second: str, axis: int) -> Optional[float]:
        """From the first joint to the second along x (0, to the right) or y (1, down), in units."""
        if not self.unit or first not in self.joints or second not in self.joints:
            return None
        return (self.joints[second][axis] - self.joints[first][axis]) / self.unit


def measure_body(joints: Dict[str, Point]) -> Body:
    shoulders, hips = _trunk(joints)
    trunk = distance(shoulders, hips) if shoulders and hips else 0.0
    lengths = [trunk]
    for first, second, share in (
        ('shoulder', 'elbow', UPPER_ARM),
        ('hip', 'knee', THIGH),
        ('knee', 'ankle', SHANK),
    ):
        for side in ('left', 'right'):
            if f'{side} {first}' in joints and f'{side} {second}' in joints:
                lengths.append(distance(joints[f'{side} {first}'], joints[f'{side} {second}']) / share)
    if 'left shoulder' in joints and 'right shoulder' in joints:
        lengths.append(distance(joints['left shoulder'], joints['right shoulder']) / SHOULDERS)
    unit = max(lengths)
    # a trunk seen along its axis has no direction
    tilt = lean(hips, shoulders) if shoulders and hips and trunk >= unit / 2 else None
    return Body(joints, unit or None, shoulders, hips, tilt, _head(joints))


def _trunk(joints: Dict[str, Point]):
    """Shoulders and hips: the middles, or else both of the same side."""
    ends = []
    for joint, single in (('shoulder', 'neck'), ('hip', 'pelvis')):
        left, right = joints.get(f'left {joint}'), joints.get(f'right {joint}')
        ends.append(middle(left, right) if left and right else joints.get(single))
    if None in ends:
        for side in ('left', 'right'):
            if f'{side} shoulder' in joints and f'{side} hip' in joints:
                return joints[f'{side} shoulder'], joints[f'{side} hip']
    return tuple(ends)


def _head(joints: Dict[str, Point]) -> Optional[Point]:
    face = [joints[name] for name in ('nose', 'left eye', 'right eye', 'left ear', 'right ear') if name in joints]
    if face:
        return tuple(sum(values) / len(face) for values in zip(*face))
    bottom = joints.get('head bottom') or joints.get('neck')
    return middle(bottom, joints['head top']) if bottom and 'head top' in joints else None
