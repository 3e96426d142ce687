from typing import List, Optional

import torch
from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor, nn

from clamp_mmpose.models.utils.initialize import xavier_uniform_weights

from .sine_encoding import sine_encoding


@MODELS.register_module()
class GraphDecoder(BaseModule):
    """Refines the positions of proposed keypoints layer by layer (GraphCAPE, Hirschorn and Avidan 2024, section 3.2).

    Shapes: B images, N cells, K queries, C channels.

    Args:
        width: C.
        num_heads, feedforward, num_layers, dropout: of the transformer.
        graph: convolve over the skeleton in each layer's feed-forward network.
    """

    def __init__(self, width: int, num_heads: int, feedforward: int, num_layers: int, dropout: float, graph: bool):
        super().__init__()
        self.layers = nn.ModuleList(
            GraphDecoderLayer(width, num_heads, feedforward, dropout, graph) for _ in range(num_layers)
        )
        xavier_uniform_weights(self.layers)
        self.place = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))
        self.steps = nn.ModuleList(
            nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width), nn.GELU(), nn.Linear(width, 2))
            for _ in range(num_layers)
        )
        for step in self.steps:  # an untrained decoder returns the proposals unchanged
            nn.init.zeros_(step[-1].weight)
            nn.init.zeros_(step[-1].bias)

    def forward(
        self,
        queries: Tensor,
        points: Tensor,
        image: Tensor,
        positions: Tensor,
        padding: Optional[Tensor],
        adjacency: Optional[Tensor],
    ) -> List[Tensor]:
        """Queries ``[B, K, C]`` at points ``[B, K, 2]`` (x, y as fractions of the image), image ``[B, N, C]`` with
        positions ``[N, C]``, padding ``[B, K]`` (True: no query; None: no padding), adjacency ``[B, K, K]`` (None: no
        skeleton).

        Returns:
            list: the points after each layer, ``[B, K, 2]``.
        """
        outputs = []
        keys = image + positions.to(image.dtype)
        for layer, step in zip(self.layers, self.steps):
            points = points.detach()  # each layer is trained to correct its own input
            position = self.place(sine_encoding(points, queries.shape[2]).to(queries.dtype))
            queries = layer(queries, position, keys, image, padding, adjacency)
            points = torch.sigmoid(_logit(points) + step(queries).float())
            outputs.append(points)
        return outputs


class GraphDecoderLayer(BaseModule):
    """Self-attention, cross-attention to the image, and a feed-forward network over the skeleton."""

    def __init__(self, width: int, num_heads: int, feedforward: int, dropout: float, graph: bool):
        super().__init__()
        self.self_attention = nn.MultiheadAttention(width, num_heads, dropout=dropout, batch_first=True)
        self.cross_attention = nn.MultiheadAttention(width, num_heads, dropout=dropout, batch_first=True)
        self.own = nn.Linear(width, feedforward)
        self.neighbours = nn.Linear(width, feedforward, bias=False) if graph else None
        self.out = nn.Linear(feedforward, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        queries: Tensor,
        position: Tensor,
        keys: Tensor,
        image: Tensor,
        padding: Optional[Tensor],
        adjacency: Optional[Tensor],
    ) -> Tensor:
        """Shapes as in :class:`GraphDecoder`; position and keys ``[B, K, C]``, ``[B, N, C]``."""
        positioned = queries + position
        attended = self.self_attention(positioned, positioned, queries, key_padding_mask=padding, need_weights=False)[0]
        queries = self.norms[0](queries + self.dropout(attended))
        attended = self.cross_attention(queries + position, keys, image, need_weights=False)[0]
        queries = self.norms[1](queries + self.dropout(attended))
        hidden = self.own(queries)
        if self.neighbours is not None and adjacency is not None:
            hidden = hidden + adjacency.to(queries.dtype) @ self.neighbours(queries)
        return self.norms[2](queries + self.dropout(self.out(self.dropout(hidden.relu()))))


def _logit(points: Tensor, margin: float = 1e-3) -> Tensor:
    points = points.float().clamp(margin, 1 - margin)
    return torch.log(points / (1 - points))
