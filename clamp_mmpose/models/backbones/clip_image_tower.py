import math
from typing import Dict, List, Optional, Tuple, Union

import torch.nn.functional as F
from torch import Tensor, cat

from clamp_mmpose.models.utils.cached import Cached
from clamp_mmpose.models.utils.clip_tower import CLIPTower
from clamp_mmpose.models.utils.open_clip_towers import build_image_tower, clip_architecture
from clamp_mmpose.utils.choices import check_choice


class CLIPImageTower(Cached, CLIPTower):
    """Base of CLIP's image towers; arguments as in :class:`CLIPVisionTransformer`."""

    def __init__(self, arch: Union[str, dict], image_size: Optional[int], out: str, init_cfg: Optional[dict]):
        architecture = clip_architecture(arch)
        super().__init__('visual', architecture.get('quick_gelu', False), init_cfg)
        check_choice('out', out, ('map', 'embeddings'))
        self.out = out
        self.visual = build_image_tower(architecture, image_size)

    def _refit(self, weights: Dict[str, Tensor]) -> List[str]:
        """Resize the grid of position embeddings to the one the tower was built for."""
        resized = []
        for name, own in self.state_dict().items():
            given = weights.get(name)
            if name.endswith('positional_embedding') and given is not None and len(given) != len(own):
                side = math.isqrt(len(own) - 1)
                weights[name] = resize_positions(given, (side, side))
                resized.append(f'{name} resized to {tuple(weights[name].shape)}')
        return resized

    def _check_input(self, img: Tensor) -> None:
        height, width = img.shape[2:]
        if height % self.stride or width % self.stride:
            raise ValueError(
                f'network input of {width}x{height} pixels cannot be divided into cells of {self.stride}: '
                'choose an input_size (w, h) of multiples of it.'
            )

    def _positions(self, positions: Tensor, size: Tuple[int, int]) -> Tensor:
        return self.cached(('positions', *size), lambda: resize_positions(positions, size), [positions])

    @staticmethod
    def _size(feature_map: Tensor) -> Tuple[int, int]:
        """(h, w) as plain numbers, which become constants of an exported graph."""
        return int(feature_map.shape[2]), int(feature_map.shape[3])

    @staticmethod
    def _unflatten(tokens: Tensor, size: Tuple[int, int]) -> Tensor:
        """``[B, h * w, C]`` -> ``[B, C, h, w]``."""
        return tokens.transpose(1, 2).reshape(tokens.shape[0], tokens.shape[2], *size)


def resize_positions(positions: Tensor, size: Tuple[int, int]) -> Tensor:
    """Resize a square grid of position embeddings bilinearly, as DenseCLIP and CLAMP do.

    Args:
        positions: ``[1 + n * n, C]``, the first row belongs to the class token.
        size: (rows, columns) of the new grid.

    Returns:
        Tensor: ``[1 + rows * columns, C]``.
    """
    side = math.isqrt(len(positions) - 1)
    if (side, side) == tuple(size):
        return positions
    grid = positions[1:].reshape(1, side, side, -1).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, size=tuple(size), mode='bilinear', align_corners=False)
    return cat([positions[:1], grid.flatten(2).squeeze(0).t()])
