from torch import Tensor, nn

from .output import BodyOutput
from .smpl_joints import JOINT_NAMES, PARENTS


class MeshBody(nn.Module):
    """What bodies with a surface share."""

    joint_names = JOINT_NAMES
    parents = PARENTS
    name: str

    def regress(self, regressor: Tensor, output: BodyOutput) -> Tensor:
        """Other joints of the surface, such as Human3.6M's by ``J_regressor_h36m``.

        Args:
            regressor: ``[K, V]``.
            output: of this body.

        Returns:
            ``[B, K, 3]`` meters.

        Raises:
            ValueError: the regressor is of another number of vertices.
        """
        vertices = output.vertices
        if regressor.shape[1:] != vertices.shape[1:2]:
            raise ValueError(
                f'the regressor is {list(regressor.shape)}, expected [K, {vertices.shape[1]}] of {self.name}.'
            )
        return regressor.to(vertices) @ vertices
