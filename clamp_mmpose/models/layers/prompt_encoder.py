from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class PromptEncoder(BaseModule):
    """Self-attention among the prompts of all keypoints: one transformer layer (CLAMP, section 3.2.1).

    Args:
        embed_dims: D.
        num_heads: of the self-attention; 8 in the released configs.
        num_layers: 1 in the paper.
    """

    def __init__(self, embed_dims: int, num_heads: int = 8, num_layers: int = 1):
        super().__init__()
        from open_clip.transformer import QuickGELU, ResidualAttentionBlock  # slow, and other models do not need it

        self.layers = nn.Sequential(
            *(ResidualAttentionBlock(embed_dims, num_heads, act_layer=QuickGELU) for _ in range(num_layers))
        )
        self.norm = nn.LayerNorm(embed_dims)

    def forward(self, prompts: Tensor) -> Tensor:
        """``[K, D]`` -> ``[K, D]``; without position embeddings, so the order of keypoints does not matter."""
        return self.norm(self.layers(prompts[None]))[0]
