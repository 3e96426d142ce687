from typing import NamedTuple, Optional

from torch import Tensor


class BodyOutput(NamedTuple):
    """A posed body.

    Attributes:
        joints: ``[B, 24, 3]`` meters, in SMPL's order.
        vertices: ``[B, V, 3]`` meters; None for a body without surface.
    """

    joints: Tensor
    vertices: Optional[Tensor]
