from typing import Optional

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from ..models.backbones import TIMMBackbone
from .focus_heatmaps import stretched


class AttentionHeatmap:
    """Where a self-supervised vision transformer looks (Caron et al. 2021, DINO; FocusCLIP, section 5).

    The last block's attention from the class token to the patches, averaged over the heads and stretched to [0, 1].

    Args:
        model_name: a vision transformer of timm's, such as ``'vit_small_patch16_224.dino'``.
        checkpoint: ``'timm://'`` for timm's own weights, or a file, see :class:`TIMMBackbone`.

    Raises:
        ValueError: no such model, one without class token or plain attention, weights that do not fit.
    """

    def __init__(self, model_name: str, checkpoint: Optional[str] = 'timm://'):
        init_cfg = None if checkpoint is None else dict(type='Pretrained', checkpoint=checkpoint)
        backbone = TIMMBackbone(model_name, init_cfg=init_cfg)
        backbone.init_weights()
        self.model = getattr(backbone.timm_model, 'model', backbone.timm_model).eval()
        blocks = getattr(self.model, 'blocks', None)
        plain = getattr(self.model, 'cls_token', None) is not None and hasattr(getattr(blocks[-1], 'attn', None), 'qkv')
        if not plain:
            raise ValueError(f'{model_name!r} has no attention from a class token: choose a plain vision transformer '
                             'of timm\'s, such as vit_small_patch16_224.dino.')
        self.num_prefix_tokens = self.model.num_prefix_tokens
        self.attention = blocks[-1].attn
        self.attention.qkv.register_forward_hook(self._keep)
        config = self.model.pretrained_cfg
        self.size = tuple(config['input_size'][1:])
        self.mean, self.std = (torch.tensor(config[key])[:, None, None] for key in ('mean', 'std'))

    def _keep(self, module: torch.nn.Module, inputs: tuple, qkv: torch.Tensor) -> None:
        self.qkv = qkv

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """``[H, W, 3]`` BGR -> ``[H, W]`` float32 in [0, 1]."""
        small = cv2.resize(image, self.size[::-1], interpolation=cv2.INTER_AREA)
        pixels = torch.from_numpy(small[..., ::-1].copy()).permute(2, 0, 1).float() / 255
        with torch.no_grad():
            self.model.forward_features(((pixels - self.mean) / self.std)[None])
            weights = self._class_attention()[self.num_prefix_tokens:]
        rows, columns = self.model.patch_embed.grid_size
        heatmap = stretched(weights.reshape(rows, columns).numpy())
        return cv2.resize(heatmap, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)

    def _class_attention(self) -> torch.Tensor:
        """Attention of the class token to every token, mean over heads."""
        attention, qkv = self.attention, self.qkv
        query, key, _ = qkv.reshape(*qkv.shape[:2], 3, attention.num_heads, -1).permute(2, 0, 3, 1, 4)
        query, key = attention.q_norm(query), attention.k_norm(key)
        scores = query[:, :, :1] @ key.transpose(2, 3) * attention.scale
        return F.softmax(scores, dim=-1).mean(dim=1)[0, 0]
