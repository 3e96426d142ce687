from typing import Optional, Tuple, Union

from open_clip.model import _build_vision_tower
from torch import Tensor

from clamp_mmpose.models.clip_tower import CLIPTower, clip_architecture, resize_positions
from clamp_mmpose.models.utils.cached import Cached


class CLIPImageTower(Cached, CLIPTower):
    """What CLIP's two kinds of image tower share; arguments as in :class:`CLIPVisionTransformer`."""

    def __init__(self, arch: Union[str, dict], image_size: Optional[int], out: str, init_cfg: Optional[dict]):
        super().__init__('visual', init_cfg)
        if out not in ('map', 'embeddings'):
            raise ValueError(f"out must be 'map' or 'embeddings', got {out!r}.")
        config = clip_architecture(arch)
        self.out = out
        self.quick_gelu = config.get('quick_gelu', False)
        vision_cfg = dict(config['vision_cfg'])
        if image_size is not None:
            vision_cfg['image_size'] = image_size
        self.visual = _build_vision_tower(config['embed_dim'], vision_cfg, self.quick_gelu)

    def _check_input(self, img: Tensor) -> None:
        height, width = img.shape[2:]
        if height % self.stride or width % self.stride:
            raise ValueError(
                f'network input of {width}x{height} pixels cannot be divided into cells of {self.stride}: '
                'choose an input_size (w, h) of multiples of it.'
            )

    def _positions(self, positions: Tensor, size: Tuple[int, int]) -> Tensor:
        return self.cached(('positions', *size), lambda: resize_positions(positions, size))

    @staticmethod
    def _size(feature_map: Tensor) -> Tuple[int, int]:
        """(h, w) as plain numbers, which an exported graph then holds as constants."""
        return int(feature_map.shape[2]), int(feature_map.shape[3])

    @staticmethod
    def _unflatten(tokens: Tensor, size: Tuple[int, int]) -> Tensor:
        """``[B, h * w, C]`` -> ``[B, C, h, w]``."""
        return tokens.transpose(1, 2).reshape(tokens.shape[0], tokens.shape[2], *size)
