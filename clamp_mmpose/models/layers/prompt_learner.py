from typing import List, Sequence, Tuple

import torch
from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor, nn

NEEDED = ('tokenize', 'special_tokens', 'embed_tokens', 'encode')


@MODELS.register_module()
class PromptLearner(BaseModule):
    """Pose-specific prompts, CLAMP eq. 2: k learned context tokens before the name of each keypoint.

    Args:
        names: K different names that fit into the text tower together with the contexts.
        text_encoder: encodes token embeddings, as :class:`CLIPTextEncoder`, :class:`HFTextEncoder` and
            :class:`WordTextEncoder` do; it is not stored.
        num_contexts: k.

    Raises:
        ValueError: a name is empty, occurs twice, or is too long, or the text encoder takes no token embeddings.
    """

    def __init__(self, names: Sequence[str], text_encoder: nn.Module, num_contexts: int = 8):
        super().__init__()
        missing = [method for method in NEEDED if not hasattr(text_encoder, method)]
        if missing:
            raise ValueError(
                f'PromptLearner needs a text encoder that takes token embeddings, such as CLIPTextEncoder or '
                f'HFTextEncoder; {type(text_encoder).__name__} has no {", ".join(missing)}.'
            )
        self.contexts = nn.Parameter(torch.empty(num_contexts, text_encoder.width))
        nn.init.trunc_normal_(self.contexts)  # standard deviation 1, as in the authors' code
        self.set_names(names, text_encoder)

    def set_names(self, names: Sequence[str], text_encoder: nn.Module) -> None:
        """Replace the names and keep the contexts."""
        if len(set(names)) < len(names):
            raise ValueError(f'keypoint names must differ, got {list(names)}.')
        before, behind = text_encoder.special_tokens()
        room = text_encoder.max_length - len(self.contexts) - len(before) - len(behind)
        rows: List[List[int]] = []
        for name, ids in zip(names, text_encoder.tokenize(names)):
            if not ids:
                raise ValueError(f'keypoint names must not be empty, got {name!r} in {list(names)}.')
            if len(ids) > room:
                raise ValueError(
                    f'keypoint name {name!r} has {len(ids)} tokens; the text tower reads '
                    f'{text_encoder.max_length}, which leaves {room} with {len(self.contexts)} contexts: shorten it.'
                )
            rows.append([*before, *ids, *behind])
        longest = max(map(len, rows))
        device = self.contexts.device
        tokens = torch.tensor([row + [0] * (longest - len(row)) for row in rows], device=device)
        ends = torch.tensor([len(row) - 1 for row in rows], device=device)
        self.names = list(names)
        self.start = len(before)  # position of the contexts
        # both are derived from the names, so they are not saved
        self.register_buffer('tokens', tokens, persistent=False)
        self.register_buffer('ends', ends + len(self.contexts), persistent=False)

    def forward(self, text_encoder: nn.Module) -> Tuple[Tensor, Tensor]:
        """Token embeddings ``[K, L, width]`` of start, contexts, name and end, and the indices ``[K]`` of the ends."""
        embedded = text_encoder.embed_tokens(self.tokens)
        contexts = self.contexts.expand(len(embedded), -1, -1)
        return torch.cat([embedded[:, : self.start], contexts, embedded[:, self.start :]], dim=1), self.ends
