from typing import Optional

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor, nn


class Attention(nn.Module):
    """Multi-head attention whose query, key and value projections have no bias, as in DenseCLIP."""

    def __init__(self, width: int, num_heads: int, dropout: float):
        super().__init__()
        self.num_heads = num_heads
        self.q_proj = nn.Linear(width, width, bias=False)
        self.k_proj = nn.Linear(width, width, bias=False)
        self.v_proj = nn.Linear(width, width, bias=False)
        self.proj = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query: Tensor, memory: Tensor) -> Tensor:
        q, k, v = (
            x.reshape(*x.shape[:2], self.num_heads, -1).transpose(1, 2)
            for x in (self.q_proj(query), self.k_proj(memory), self.v_proj(memory))
        )
        q = q.expand(k.shape[0], -1, -1, -1)
        return self.dropout(self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)))


class CrossAttentionLayer(nn.Module):
    """Prompts attend to each other, then to the image; pre-norm."""

    def __init__(self, width: int, num_heads: int, dropout: float):
        super().__init__()
        self.self_attn = Attention(width, num_heads, dropout)
        self.cross_attn = Attention(width, num_heads, dropout)
        self.norm1 = nn.LayerNorm(width)
        self.norm2 = nn.LayerNorm(width)
        self.norm3 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(4 * width, width),
            nn.Dropout(dropout),
        )

    def attend_to_prompts(self, x: Tensor) -> Tensor:
        """The part that does not depend on the image."""
        normed = self.norm1(x)
        return x + self.self_attn(normed, normed)

    def attend_to_image(self, x: Tensor, memory: Tensor) -> Tensor:
        """The part that depends on the image."""
        x = x + self.cross_attn(self.norm2(x), memory)
        return x + self.mlp(self.norm3(x))


@MODELS.register_module()
class PromptCrossAttention(BaseModule):
    """Prompts attend to the image's [global; dense] tokens (CLAMP, section 3.2.1, after DenseCLIP).

    The output is prompts + gamma * attended, with a learned gamma ``[D]``.

    Shapes: B images, K keypoints, D the width of the shared image-text space.

    Args:
        embed_dims: D.
        width, num_heads, num_layers: of the attention; the defaults are those of the released configs.
        dropout: on the outputs of attention and MLP.
    """

    def __init__(
        self, embed_dims: int, width: int = 256, num_heads: int = 4, num_layers: int = 3, dropout: float = 0.1
    ):
        super().__init__()
        self.memory_proj = nn.Sequential(nn.LayerNorm(embed_dims), nn.Linear(embed_dims, width), nn.LayerNorm(width))
        self.text_proj = nn.Sequential(nn.LayerNorm(embed_dims), nn.Linear(embed_dims, width))
        self.layers = nn.ModuleList(CrossAttentionLayer(width, num_heads, dropout) for _ in range(num_layers))
        self.out_proj = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, embed_dims))
        self.gamma = nn.Parameter(torch.full((embed_dims,), 1e-3))  # training starts near CLIP's text embeddings
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def prepare(self, prompts: Tensor) -> Tensor:
        """What does not depend on the image: ``[B or 1, K, D]`` -> ``[B or 1, K, width]``."""
        return self.layers[0].attend_to_prompts(self.text_proj(prompts))

    def forward(self, prompts: Tensor, dense: Tensor, global_: Tensor, prepared: Optional[Tensor] = None) -> Tensor:
        """Adapt the prompts to each image.

        Args:
            prompts: ``[K, D]``.
            dense: ``[B, D, h, w]``.
            global_: ``[B, D]``.
            prepared: the output of :meth:`prepare` for these prompts; None: it is computed.

        Returns:
            Tensor: ``[B, K, D]``.
        """
        prompts = prompts[None]
        if prepared is None:  # expand first: each image has its own dropout mask
            prepared = self.prepare(prompts.expand(dense.shape[0], -1, -1))
        memory = self.memory_proj(torch.cat([global_[:, None], dense.flatten(2).transpose(1, 2)], dim=1))
        x = self.layers[0].attend_to_image(prepared, memory)
        for layer in self.layers[1:]:
            x = layer.attend_to_image(layer.attend_to_prompts(x), memory)
        return prompts + self.gamma * self.out_proj(x)
