from typing import Optional, Tuple, Union

import torch
import torch.nn.functional as F
from mmpose.registry import MODELS
from torch import Tensor

from .clip_image_tower import CLIPImageTower


@MODELS.register_module()
class CLIPResNet(CLIPImageTower):
    """CLIP's ResNet as a backbone (Radford et al. 2021; DenseCLIP applies its attention pool at every position).

    Shapes: B images of ``[3, H, W]``, h = H / 32, w = W / 32, C = 32 times the width, D that of the shared image-text
    space.

    Args:
        arch: an open_clip name (``'RN50-quickgelu'``), or its JSON as a dict, see :func:`clip_architecture`.
        image_size: as in :class:`CLIPVisionTransformer`, for the attention pool.
        out: ``'map'`` gives ``(map,)`` for any stock head, without the attention pool; ``'embeddings'`` also the dense
            and global embeddings.
        init_cfg: see :class:`CLIPTower`.

    Raises:
        ValueError: the architecture is not a CLIP ResNet.
    """

    stride = 32

    def __init__(
        self,
        arch: Union[str, dict],
        image_size: Optional[int] = None,
        out: str = 'map',
        init_cfg: Optional[dict] = None,
    ):
        super().__init__(arch, image_size, out, init_cfg)
        if not hasattr(self.visual, 'layer4'):
            raise ValueError(f'{arch!r} is not a CLIP ResNet; for vision transformers use CLIPVisionTransformer.')
        if out == 'map':
            self.visual.attnpool = None

    def forward(self, img: Tensor) -> Tuple[Tensor, ...]:
        """``[B, 3, H, W]`` -> ``(map [B, C, h, w],)`` or ``(map, dense [B, D, h, w], global [B, D])``."""
        visual = self.visual
        self._check_input(img)
        feature_map = visual.stem(img)
        for layer in (visual.layer1, visual.layer2, visual.layer3, visual.layer4):
            feature_map = layer(feature_map)
        if self.out == 'map':
            return (feature_map,)
        embeddings = self._attention_pool(feature_map)
        return feature_map, self._unflatten(embeddings[:, 1:], self._size(feature_map)), embeddings[:, 0]

    def _attention_pool(self, feature_map: Tensor) -> Tensor:
        """CLIP's pool with every position as a query, not only their mean: ``[B, 1 + h * w, D]``."""
        pool = self.visual.attnpool
        tokens = feature_map.flatten(2).transpose(1, 2)
        tokens = torch.cat([tokens.mean(dim=1, keepdim=True), tokens], dim=1)
        tokens = tokens + self._positions(pool.positional_embedding, self._size(feature_map)).to(tokens.dtype)
        query, key, value = (
            projection(tokens).reshape(*tokens.shape[:2], pool.num_heads, -1).transpose(1, 2)
            for projection in (pool.q_proj, pool.k_proj, pool.v_proj)
        )
        attended = F.scaled_dot_product_attention(query, key, value)
        return pool.c_proj(attended.transpose(1, 2).flatten(2))
