"""A person's joints in 3D, turned to face a camera, so that the rules for joints in images hold for them."""

from dataclasses import replace
from typing import Dict, Optional, Sequence

import numpy as np

from .body import Body, measure_body
from .geometry import Point, from_down

CAMERA_UP = (0.0, -1.0, 0.0)  # y of a camera points down
NEEDED = ('left shoulder', 'right shoulder', 'left hip', 'right hip')
ON_ITS_SIDE = 0.3  # of the way across the body that is level: with less, a person lies on one side


def measure_person(joints: Dict[str, Point], up: Optional[Sequence[float]]) -> Body:
    """The body in its own frame: x to the person's left, y down, z to the back; lengths as given.

    Args:
        joints: by name, ``(x, y, z)`` in any right-handed frame, with both shoulders and hips.
        up: against gravity, in that frame; None: along the trunk, which is then upright whatever the person does.

    Returns:
        Body: ``tilt`` is the angle of the trunk from upright in 3D, without a sign.

    Raises:
        ValueError: a joint is missing, or shoulders and hips are in one place.
    """
    missing = [name for name in NEEDED if name not in joints]
    if missing:
        raise ValueError(f'a 3D pose needs {", ".join(NEEDED)}, got no {", ".join(missing)}: give these joints.')
    ends = {name: np.asarray(joints[name], dtype=float) for name in NEEDED}
    across = ends['left shoulder'] - ends['right shoulder'] + ends['left hip'] - ends['right hip']
    trunk = ends['left shoulder'] + ends['right shoulder'] - ends['left hip'] - ends['right hip']
    if not np.linalg.norm(np.cross(across, trunk)):
        raise ValueError('shoulders and hips of a 3D pose are on one line: give joints in meters, with depth.')
    frame = _frame(across, trunk, trunk if up is None else np.asarray(up, dtype=float))
    body = measure_body({name: tuple(frame @ np.asarray(point, dtype=float)) for name, point in joints.items()})
    assert body.shoulders and body.hips
    upright = from_down(body.hips, body.shoulders)
    return replace(body, tilt=None if upright is None else 180 - upright, head=body.head or body.joints.get('head'))


def _frame(across: np.ndarray, trunk: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Rows: to the left, down, back, ``[3, 3]``."""
    down = -up / np.linalg.norm(up)
    left = across - (across @ down) * down
    if np.linalg.norm(left) < ON_ITS_SIDE * np.linalg.norm(across):
        front = np.cross(across, trunk)
        left = front - (front @ down) * down
    left = left / np.linalg.norm(left)
    return np.stack([left, down, np.cross(left, down)])
