from typing import Any, Tuple

import torch.nn.functional as F
from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor

from clamp_mmpose.models.utils.freeze import freeze
from clamp_mmpose.models.utils.sub_layers import SubLayer, build_sub_layer


@MODELS.register_module()
class PoseTower(BaseModule):
    """A frozen backbone that was trained on poses, as a second image tower of a language model.

    UniPose (Li et al., CVPR 2025) halves the error of CLIP's features alone in this way.

    Args:
        backbone: of MMPose, with its ``init_cfg``; its last map is read.
        in_channels: C, of this map.
        out_channels: D, width of the embeddings.
        grid: (rows, columns) of tokens that the map is pooled to.
        projector: from C to D channels, trained.
    """

    def __init__(
        self,
        backbone: dict,
        in_channels: int,
        out_channels: int,
        grid: Tuple[int, int],
        projector: SubLayer = 'MLPProjector',
    ):
        super().__init__()
        self.backbone: Any = MODELS.build(backbone)
        freeze(self.backbone)
        self.grid: Tuple[int, int] = (grid[0], grid[1])
        self.projector: Any = build_sub_layer(
            projector, 'MLPProjector', in_channels=in_channels, out_channels=out_channels
        )

    def forward(self, pixels: Tensor) -> Tensor:
        """Images ``[N, 3, H, W]`` -> tokens ``[N, rows * columns, D]``, row by row."""
        maps = self.backbone(pixels)
        maps = maps[-1] if isinstance(maps, (tuple, list)) else maps
        weight = next(self.projector.parameters())
        return self.projector(F.adaptive_avg_pool2d(maps, self.grid).to(weight.dtype))
