from typing import NamedTuple, Optional

from torch import Tensor


class BodyOutput(NamedTuple):
    """A posed body.

    Attributes:
        joints: ``[B, 24, 3]`` metres, in SMPL's order.
        vertices: ``[B, V, 3]`` metres; None for a body without surface.
    """

    joints: Tensor
    vertices: Optional[Tensor]
