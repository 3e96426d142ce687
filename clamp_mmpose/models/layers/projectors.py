from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class LinearProjector(BaseModule):
    """One linear layer from the channels of an image tower to a language model's embeddings (CapeLLM, section 3.1).

    Args:
        in_channels: C, of the tower's map.
        out_channels: D, width of the embeddings.
    """

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.linear = nn.Linear(in_channels, out_channels)

    def forward(self, feature: Tensor) -> Tensor:
        """``[B, C, h, w]`` -> image tokens ``[B, h * w, D]``, row by row."""
        return self.linear(image_tokens(feature))


@MODELS.register_module()
class MLPProjector(BaseModule):
    """Two linear layers with GELU between them (PoseLLM, arXiv 2507.09139); the first is as wide as the second.

    Args:
        in_channels: C, of the tower's map.
        out_channels: D, width of the embeddings.
    """

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(in_channels, out_channels), nn.GELU(), nn.Linear(out_channels, out_channels)
        )

    def forward(self, feature: Tensor) -> Tensor:
        """``[B, C, h, w]`` -> image tokens ``[B, h * w, D]``, row by row."""
        return self.layers(image_tokens(feature))


def image_tokens(feature: Tensor) -> Tensor:
    """``[B, C, h, w]`` -> ``[B, h * w, C]``, row by row."""
    return feature.flatten(2).transpose(1, 2)
