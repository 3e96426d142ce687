from typing import Optional, Tuple, Union

import torch
from mmcv.cnn.bricks import DropPath
from mmpose.registry import MODELS
from torch import Tensor, nn

from .clip_image_tower import CLIPImageTower


@MODELS.register_module()
class CLIPVisionTransformer(CLIPImageTower):
    """CLIP's vision transformer as a backbone (Radford et al. 2021; CLAMP, section 3.2.2).

    Shapes: B images of ``[3, H, W]``, patches of p pixels, h = H / p, w = W / p, C the width, D that of the shared
    image-text space.

    Args:
        arch: an open_clip name, or its JSON as a dict, see :func:`clip_architecture`.
        image_size: side in pixels of the square that the position embeddings are stored for; CLAMP stores them for its
            network input. Default: the architecture's own. For other inputs they are resized.
        drop_path_rate: stochastic depth of the last block; it grows linearly from 0.
        out: ``'map'`` gives ``(map,)`` for any stock head, ``'embeddings'`` also the dense and global embeddings.
        init_cfg: see :class:`CLIPTower`.

    Raises:
        ValueError: the architecture is not a plain CLIP vision transformer.
    """

    def __init__(
        self,
        arch: Union[str, dict],
        image_size: Optional[int] = None,
        drop_path_rate: float = 0.0,
        out: str = 'map',
        init_cfg: Optional[dict] = None,
    ):
        super().__init__(arch, image_size, out, init_cfg)
        visual = self.visual
        if not hasattr(visual, 'class_embedding') or visual.attn_pool is not None:
            raise ValueError(f'{arch!r} is not a plain CLIP vision transformer; for ResNets use CLIPResNet.')
        blocks = visual.transformer.resblocks
        for block, rate in zip(blocks, torch.linspace(0, drop_path_rate, len(blocks)).tolist()):
            if rate > 0:
                # CLIP has no layer scale; its empty slots are where stochastic depth belongs
                if not isinstance(block.ls_1, nn.Identity):
                    raise ValueError(f'{arch!r} has layer scale, which excludes drop_path_rate: set it to 0.')
                block.ls_1, block.ls_2 = DropPath(rate), DropPath(rate)
        if out == 'map':
            visual.ln_post, visual.proj = nn.Identity(), None
        self.stride = visual.patch_size[0]

    def forward(self, img: Tensor) -> Tuple[Tensor, ...]:
        """``[B, 3, H, W]`` -> ``(map [B, C, h, w],)`` or ``(map, dense [B, D, h, w], global [B, D])``."""
        visual = self.visual
        self._check_input(img)
        patches = visual.conv1(img)
        tokens = patches.flatten(2).transpose(1, 2)
        class_token = visual.class_embedding.to(tokens.dtype).expand(img.shape[0], 1, -1)
        tokens = torch.cat([class_token, tokens], dim=1)
        size = self._size(patches)
        tokens = tokens + self._positions(visual.positional_embedding, size).to(tokens.dtype)
        tokens = visual.transformer(visual.ln_pre(tokens))
        feature_map = self._unflatten(tokens[:, 1:], size)
        if self.out == 'map':
            return (feature_map,)
        embeddings = visual.ln_post(tokens) @ visual.proj
        return feature_map, self._unflatten(embeddings[:, 1:], size), embeddings[:, 0]
