from dataclasses import dataclass
from typing import Tuple

from torch import Tensor


@dataclass(frozen=True)
class PoseAnswer:
    """An answer with the poses of its pose tokens.

    Args:
        text: with the pose tokens.
        rotations: float32 matrices ``[n, 24, 3, 3]`` of SMPL's joints in the camera's frame, one pose for each token;
            n is 0 if the answer has none.
        degenerate: (pose, joint) of each 6D rotation that was none, so that the joint has the identity.
    """

    text: str
    rotations: Tensor
    degenerate: Tuple[Tuple[int, int], ...] = ()
