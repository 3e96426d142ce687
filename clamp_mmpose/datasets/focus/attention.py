from typing import Optional

import cv2
import numpy as np
import torch

from clamp_mmpose.models.backbones import TIMMBackbone

from .heatmaps import stretched


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
        backbone = TIMMBackbone(model_name, pooled=True, init_cfg=init_cfg)
        backbone.init_weights()
        self.model = backbone.timm_model.eval()
        attention = getattr(self.model.blocks[-1], 'attn', None) if hasattr(self.model, 'blocks') else None
        if getattr(self.model, 'cls_token', None) is None or not hasattr(attention, 'attn_drop'):
            raise ValueError(
                f'{model_name!r} has no attention from a class token: choose a plain vision transformer '
                "of timm's, such as vit_small_patch16_224.dino."
            )
        self.num_prefix_tokens = self.model.num_prefix_tokens
        attention.fused_attn = False  # so that its weights, which pass through this dropout, are computed
        attention.attn_drop.register_forward_hook(self._keep)
        config = self.model.pretrained_cfg
        self.size = tuple(config['input_size'][1:])
        self.mean, self.std = (torch.tensor(config[key])[:, None, None] for key in ('mean', 'std'))

    def _keep(self, module: torch.nn.Module, inputs: tuple, weights: torch.Tensor) -> None:
        self.weights = weights

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """``[H, W, 3]`` BGR -> ``[H, W]`` float32 in [0, 1]."""
        small = cv2.resize(image, self.size[::-1], interpolation=cv2.INTER_AREA)
        pixels = torch.from_numpy(small[..., ::-1].copy()).permute(2, 0, 1).float() / 255
        with torch.no_grad():
            self.model.forward_features(((pixels - self.mean) / self.std)[None])
        weights = self.weights[0, :, 0, self.num_prefix_tokens :].mean(dim=0)  # of the class token, over the heads
        rows, columns = self.model.patch_embed.grid_size
        heatmap = stretched(weights.reshape(rows, columns).numpy())
        return cv2.resize(heatmap, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
