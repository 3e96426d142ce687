from typing import Any, Optional

import cv2
import numpy as np
import torch

from clamp_mmpose.checkpoints.timm_weights import create_timm_model, load_timm_weights

from .heatmaps import min_max_normalize


class AttentionHeatmap:
    """Attention map of a self-supervised vision transformer (Caron et al. 2021, DINO; FocusCLIP, section 5).

    The last block's attention from the class token to the patches, averaged over the heads and rescaled to [0, 1].

    Args:
        model_name: a vision transformer of timm, such as ``'vit_small_patch16_224.dino'``.
        checkpoint: ``'timm://'`` for timm's own weights, or a file, see :func:`load_timm_weights`; None: random
            weights.

    Raises:
        ValueError: unknown model, no class token or plain attention, or weights that do not fit.
    """

    def __init__(self, model_name: str, checkpoint: Optional[str] = 'timm://'):
        self.model: Any = create_timm_model(model_name, num_classes=0)
        if checkpoint is not None:
            load_timm_weights(self.model, checkpoint, model_name, num_classes=0)
        attention: Any = getattr(self.model.blocks[-1], 'attn', None) if hasattr(self.model, 'blocks') else None
        if getattr(self.model, 'cls_token', None) is None or not hasattr(attention, 'attn_drop'):
            raise ValueError(
                f'{model_name!r} has no attention from a class token: choose a plain vision transformer '
                'of timm, such as vit_small_patch16_224.dino.'
            )
        attention.fused_attn = False  # fused attention never computes the weights that pass through attn_drop
        self.layer = f'blocks.{len(self.model.blocks) - 1}.attn.attn_drop'
        from timm.utils import AttentionExtract

        self.extract = AttentionExtract(self.model, [self.layer], method='hook')
        config = self.model.pretrained_cfg
        _, height, width = config['input_size']
        self.size = width, height
        self.mean, self.std = (torch.tensor(config[key])[:, None, None] for key in ('mean', 'std'))

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """``[H, W, 3]`` BGR -> ``[H, W]`` float32 in [0, 1]."""
        small = cv2.resize(image, self.size, interpolation=cv2.INTER_AREA)
        pixels = torch.from_numpy(small[..., ::-1].copy()).permute(2, 0, 1).float() / 255
        weights = self.attention(((pixels - self.mean) / self.std)[None])[0]
        from_class_token = weights[:, 0, self.model.num_prefix_tokens :].mean(dim=0)  # over the heads
        heatmap = min_max_normalize(from_class_token.reshape(*self.model.patch_embed.grid_size).numpy())
        return cv2.resize(heatmap, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_LINEAR)

    @torch.no_grad()
    def attention(self, pixels: torch.Tensor) -> torch.Tensor:
        """Normalized RGB ``[B, 3, H, W]`` -> the last block's attention weights ``[B, heads, tokens, tokens]``."""
        return self.extract(pixels)[self.layer]
