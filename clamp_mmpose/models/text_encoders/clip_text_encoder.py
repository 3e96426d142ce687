from functools import lru_cache
from typing import TYPE_CHECKING, List, Optional, Sequence, Tuple, Union

import torch
from mmpose.registry import MODELS
from torch import Tensor

from clamp_mmpose.models.utils.clip_tower import CLIPTower
from clamp_mmpose.models.utils.freeze import freeze
from clamp_mmpose.models.utils.open_clip_towers import build_text_tower, clip_architecture

if TYPE_CHECKING:
    from open_clip.tokenizer import SimpleTokenizer

WORDS = 50_000  # words whose pieces the tokenizer keeps


@MODELS.register_module()
class CLIPTextEncoder(CLIPTower):
    """CLIP's text tower (Radford et al. 2021), frozen or trained: K texts -> ``[K, D]``.

    When frozen, gradients still pass through it to learned contexts.

    Args:
        arch: an open_clip name, or its JSON as a dict, see :func:`clip_architecture`.
        init_cfg: see :class:`CLIPTower`.
        tune: train it.
        truncate: cut texts that are too long instead of raising an error.

    Raises:
        ValueError: the architecture has another text tower or tokenizer than CLIP's.
    """

    def __init__(
        self, arch: Union[str, dict], init_cfg: Optional[dict] = None, tune: bool = False, truncate: bool = False
    ):
        architecture = clip_architecture(arch)
        super().__init__('text', architecture.get('quick_gelu', False), init_cfg)
        self.tune, self.truncate = tune, truncate
        text_cfg = architecture['text_cfg']
        if 'hf_model_name' in text_cfg or 'hf_tokenizer_name' in text_cfg or text_cfg.get('no_causal_mask'):
            raise ValueError(f"{arch!r} is not a CLIP text transformer (causal, with CLIP's BPE tokenizer).")
        self.embed_dims = architecture['embed_dim']
        self.text = build_text_tower(architecture)
        self.width = self.text.width
        self.max_length = self.text.context_length
        self.tokenizer = bpe_tokenizer()
        if self.text.vocab_size < self.tokenizer.vocab_size:
            raise ValueError(
                f"text_cfg has vocab_size={self.text.vocab_size}; CLIP's BPE needs {self.tokenizer.vocab_size}."
            )
        if not tune:
            freeze(self)

    def tokenize(self, texts: Sequence[str]) -> List[List[int]]:
        """BPE ids of each text, without start and end token."""
        return [self.tokenizer.encode(text) for text in texts]

    def special_tokens(self) -> Tuple[List[int], List[int]]:
        """The ids before and behind those of a text."""
        return [self.tokenizer.sot_token_id], [self.tokenizer.eot_token_id]

    def embed_tokens(self, ids: Tensor) -> Tensor:
        """Token ids -> their embeddings ``[..., width]``, without positions."""
        return self.text.token_embedding(ids)

    def count_tokens(self, texts: Sequence[str]) -> List[int]:
        """Number of tokens of each text, with start and end; the tower reads up to ``max_length``."""
        return [len(ids) + 2 for ids in self.tokenize(texts)]

    def forward(self, texts: Sequence[str]) -> Tensor:
        """Embed whole texts.

        Raises:
            ValueError: a text is longer than ``max_length``, unless ``truncate``.
        """
        room = self.max_length - 2 if self.truncate else None
        tokens = [
            [self.tokenizer.sot_token_id, *ids[:room], self.tokenizer.eot_token_id] for ids in self.tokenize(texts)
        ]
        longest = max(map(len, tokens))
        if longest > self.max_length:
            raise ValueError(
                f'text of {longest} tokens with start and end; the tower reads up to {self.max_length}: '
                f'{texts[[len(ids) for ids in tokens].index(longest)]!r}.'
            )
        ids = torch.tensor(
            [row + [0] * (longest - len(row)) for row in tokens], device=self.text.positional_embedding.device
        )
        return self.encode(self.text.token_embedding(ids), torch.tensor([len(row) - 1 for row in tokens]))

    def encode(self, embeddings: Tensor, ends: Tensor) -> Tensor:
        """Run the tower on token embeddings.

        Args:
            embeddings: ``[K, L, width]``, start token first; what follows the end token is ignored, since the mask
                is causal.
            ends: ``[K]``, the position of each end token.

        Returns:
            Tensor: ``[K, D]``, the end tokens' outputs, projected.
        """
        text, length = self.text, embeddings.shape[1]
        # full precision: older PyTorch rejects the mask in mixed precision, and a few names cost little
        with torch.autocast(embeddings.device.type, enabled=False):
            hidden = embeddings + text.positional_embedding[:length]
            hidden = text.ln_final(text.transformer(hidden, attn_mask=text.attn_mask[:length, :length]))
            last = hidden[torch.arange(len(hidden), device=hidden.device), ends.to(hidden.device)]
            return last @ text.text_projection


@lru_cache(maxsize=1)
def bpe_tokenizer() -> 'SimpleTokenizer':
    """CLIP's tokenizer, read from disk once."""
    from open_clip.tokenizer import SimpleTokenizer  # slow, and other models do not need it

    tokenizer = SimpleTokenizer()
    tokenizer.cache = _WordCache(tokenizer.cache)
    return tokenizer


class _WordCache(dict):
    """The tokenizer's cache of words, which would grow with every new word; when it is full, new ones are not kept."""

    def __setitem__(self, word: str, pieces: str) -> None:
        if len(self) < WORDS:
            super().__setitem__(word, pieces)
