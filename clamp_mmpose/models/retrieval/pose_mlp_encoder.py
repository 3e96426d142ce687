from typing import Optional

import torch
from mmpose.registry import MODELS
from torch import Tensor, nn

from clamp_mmpose.body.rotations import matrix_to_six
from clamp_mmpose.body.smpl_joints import NUM_JOINTS


@MODELS.register_module()
class PoseMLPEncoder(nn.Module):
    """Rotations of SMPL's joints -> ``[N, D]``, by a perceptron on their 6D numbers.

    Args:
        embed_dims: D.
        hidden: width of the inner layers.
        num_layers: number of them.
        dropout: of their outputs.
    """

    def __init__(self, embed_dims: int = 512, hidden: int = 512, num_layers: int = 2, dropout: float = 0.0):
        super().__init__()
        self.embed_dims = embed_dims
        widths = [6 * NUM_JOINTS, *[hidden] * num_layers]
        layers = []
        for before, behind in zip(widths, widths[1:]):
            layers += [nn.Linear(before, behind), nn.LayerNorm(behind), nn.GELU(), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], embed_dims))

    def forward(self, rotations: Tensor, mask: Optional[Tensor] = None) -> Tensor:
        """
        Args:
            rotations: ``[N, 24, 3, 3]``.
            mask: ``[N, 24]`` bool; joints that are not labeled are taken as unturned.
        """
        if mask is not None:
            identity = torch.eye(3, device=rotations.device, dtype=rotations.dtype)
            rotations = torch.where(mask[..., None, None], rotations, identity)
        return self.layers(matrix_to_six(rotations).flatten(1))
