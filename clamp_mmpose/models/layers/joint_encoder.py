from typing import Optional

import torch
from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor, nn

from clamp_mmpose.models.utils.initialize import xavier_uniform_weights


@MODELS.register_module()
class JointEncoder(BaseModule):
    """Self-attention over image and text together (CapeX, Rusanovsky et al. 2024; after CAPE, Shi et al. 2023).

    Shapes: B images, N cells of the feature map, K queries, C channels.

    Args:
        width: C.
        num_heads, feedforward, num_layers, dropout: of the transformer.
    """

    def __init__(self, width: int, num_heads: int, feedforward: int, num_layers: int, dropout: float):
        super().__init__()
        self.layers = nn.ModuleList(
            JointEncoderLayer(width, num_heads, feedforward, dropout) for _ in range(num_layers)
        )
        xavier_uniform_weights(self)

    def forward(self, image: Tensor, positions: Tensor, queries: Tensor, padding: Optional[Tensor]) -> tuple:
        """Image ``[B, N, C]``, its positions ``[N, C]``, queries ``[B, K, C]``, padding
        ``[B, K]`` (True: no query; None: no padding).

        Returns:
            tuple: image and queries, ``[B, N, C]`` and ``[B, K, C]``.
        """
        number = image.shape[1]
        tokens = torch.cat([image, queries], dim=1)
        # the order of texts has no meaning: only the image has positions
        positions = torch.cat([positions, positions.new_zeros(queries.shape[1], positions.shape[1])])
        mask = None
        if padding is not None:
            mask = torch.cat([padding.new_zeros(len(padding), number), padding], dim=1)
        for layer in self.layers:
            tokens = layer(tokens, positions.to(tokens.dtype), mask)
        return tokens[:, :number], tokens[:, number:]


class JointEncoderLayer(BaseModule):
    """One layer of DETR's encoder: positions are added to queries and keys only, post-norm."""

    def __init__(self, width: int, num_heads: int, feedforward: int, dropout: float):
        super().__init__()
        self.attention = nn.MultiheadAttention(width, num_heads, dropout=dropout, batch_first=True)
        self.feedforward = nn.Sequential(
            nn.Linear(width, feedforward), nn.ReLU(), nn.Dropout(dropout), nn.Linear(feedforward, width)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, positions: Tensor, mask: Optional[Tensor]) -> Tensor:
        """Tokens ``[B, N, C]``, positions ``[N, C]``, mask ``[B, N]`` -> ``[B, N, C]``."""
        positioned = tokens + positions
        attended = self.attention(positioned, positioned, tokens, key_padding_mask=mask, need_weights=False)[0]
        tokens = self.norms[0](tokens + self.dropout(attended))
        return self.norms[1](tokens + self.dropout(self.feedforward(tokens)))
