from dataclasses import dataclass
from typing import Optional, Sequence, Tuple

import numpy as np

Box = Tuple[float, float, float, float]


@dataclass
class PoseSample:
    """The 3D pose of a person, with an image or texts or both.

    Args:
        record_id: names it in errors and results.
        rotations: ``[24, 3, 3]`` float32, of SMPL's joints; the first one is the body's in the camera's frame (x right,
            y down, z away).
        mask: ``[24]`` bool, the joints that are labeled; none of them: the pose is not known.
        image: a path or an address that MMEngine reads; None: there is none.
        box: left, top, right, bottom of the person in pixels of the image; None: the whole image.
        texts: descriptions of the pose.
        betas: ``[10]``, the shape of SMPL; None: not known.
        gender: ``'male'``, ``'female'``, ``'neutral'`` or ``''``: of the SMPL model that ``betas`` are for.
        joints_3d: ``[K, 4]`` meters and confidence, in the order of the file; None: there are none.
        source: file that it is from.
    """

    record_id: str
    rotations: np.ndarray
    mask: np.ndarray
    image: Optional[str] = None
    box: Optional[Box] = None
    texts: Sequence[str] = ()
    betas: Optional[np.ndarray] = None
    gender: str = ''
    joints_3d: Optional[np.ndarray] = None
    source: str = ''
