from typing import Any, Optional, Tuple

import torch
from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor, nn

from clamp_mmpose.body.rotations import is_degenerate, six_to_matrix
from clamp_mmpose.body.smpl_joints import NUM_JOINTS

IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)  # as a 6D rotation
# of the root: upright in the camera's frame, y down. From the identity, half a turn away, the gradient is near zero
UPRIGHT = (1.0, 0.0, 0.0, 0.0, -1.0, 0.0)
FIRST_SPREAD = 1e-3  # of the last layer's weights: the first poses are within a degree of the identity


@MODELS.register_module()
class PoseTokenHead(BaseModule):
    """A language model's state that predicts a pose token -> rotations of joints (ChatPose, Feng et al., CVPR 2024).

    Linear, ReLU, Linear to a 6D rotation of each joint. The last layer starts at the rest pose, seen upright from the
    front; the published one starts at random.

    Args:
        in_channels: D, width of the language model.
        hidden_channels: of the first layer; default: D, as published.
        num_joints: J.
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: Optional[int] = None,
        num_joints: int = NUM_JOINTS,
        init_cfg: Optional[dict] = None,
    ):
        super().__init__(init_cfg)
        hidden = hidden_channels or in_channels
        self.num_joints = num_joints
        self.layers = nn.Sequential(nn.Linear(in_channels, hidden), nn.ReLU(), nn.Linear(hidden, 6 * num_joints))
        last: Any = self.layers[-1]
        nn.init.normal_(last.weight, std=FIRST_SPREAD)
        last.bias.data = torch.tensor(UPRIGHT + IDENTITY * (num_joints - 1))

    def forward(self, states: Tensor) -> Tensor:
        """States ``[..., D]`` -> 6D rotations ``[..., J, 6]``, float32 or as the weights are."""
        weight = next(self.layers.parameters())
        with torch.autocast(states.device.type, enabled=False):
            return self.layers(states.to(weight.dtype)).unflatten(-1, (self.num_joints, 6))

    def predict(self, states: Tensor) -> Tuple[Tensor, Tensor]:
        """States ``[..., D]`` -> float32 matrices ``[..., J, 3, 3]``, and which joints have none ``[..., J]``.

        These joints are the identity: one of them does not cost the other answers of a batch.
        """
        six = self(states).float()
        return six_to_matrix(six, repair=True), is_degenerate(six)
