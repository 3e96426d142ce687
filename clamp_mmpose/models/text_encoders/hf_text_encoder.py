from typing import List, Optional, Sequence, Tuple

import torch
from mmengine.model import BaseModule, PretrainedInit
from mmpose.registry import MODELS
from torch import Tensor

from clamp_mmpose.checkpoints.fit import load_weights
from clamp_mmpose.checkpoints.hub import from_hub
from clamp_mmpose.models.utils.freeze import freeze
from clamp_mmpose.models.utils.hugging_face import load_config, pretrained_weights
from clamp_mmpose.utils.choices import check_choice

POOLINGS = ('mean', 'cls', 'eos')


@MODELS.register_module()
class HFTextEncoder(BaseModule):
    """A text encoder of Hugging Face's transformers (GTE in CapeX), frozen or trained: K texts -> ``[K, D]``.

    Code that is part of a model is never run.

    Args:
        model: a folder with ``config.json`` and a tokenizer, a name on the hub, such as ``'thenlper/gte-base'``, or
            ``'package://all-minilm-l6-v2'``.
        pooling: ``'mean'`` over the text's tokens, ``'cls'``, the first token, or ``'eos'``, the last one.
        init_cfg: ``dict(type='Pretrained', checkpoint=...)`` with the same; the weights must be safetensors files.
        tune: train it.
        truncate: cut texts that are too long instead of raising an error.

    Raises:
        ValueError: the model cannot be loaded, or needs its own code.
        ImportError: transformers is not installed.
    """

    def __init__(
        self,
        model: str,
        pooling: str = 'mean',
        init_cfg: Optional[dict] = None,
        tune: bool = False,
        truncate: bool = False,
    ):
        super().__init__(init_cfg)
        check_choice('pooling', pooling, POOLINGS)
        try:
            from transformers import AutoModel, AutoTokenizer
        except ImportError as error:
            raise ImportError('HFTextEncoder needs transformers: pip install "clamp_mmpose[text]"') from error
        config = load_config(model)
        self.tokenizer = from_hub(AutoTokenizer, model)
        self.model_name, self.pooling, self.tune, self.truncate = model, pooling, tune, truncate
        # newer transformers build in the precision of the config; we always use full precision
        self.text = _encoder_of(AutoModel.from_config(config, trust_remote_code=False)).float()
        self.embed_dims = config.hidden_size
        self.width = self.text.get_input_embeddings().weight.shape[1]
        self.max_length = min(self.tokenizer.model_max_length, getattr(config, 'max_position_embeddings', 512))
        if not tune:
            freeze(self)

    def init_weights(self) -> None:
        """Load pretrained weights.

        Raises:
            ValueError: they cannot be loaded, or belong to another model.
        """
        if not self.init_cfg or self.init_cfg['type'] not in ('Pretrained', PretrainedInit):
            super().init_weights()
            return
        from transformers import AutoModel

        source = self.init_cfg['checkpoint']
        load_weights(
            self.text,
            pretrained_weights(AutoModel, source, _encoder_of),
            source,
            what=self.model_name,
            remedy='Give the weights of the same model.',
        )
        self._is_init = True

    def tokenize(self, texts: Sequence[str]) -> List[List[int]]:
        """The ids of each text, without special tokens."""
        return self.tokenizer(list(texts), add_special_tokens=False)['input_ids']

    def special_tokens(self) -> Tuple[List[int], List[int]]:
        """The ids before and behind those of a text, such as [CLS] and [SEP]."""
        (own,), whole = self.tokenize(['x']), self.tokenizer('x')['input_ids']
        start = next(i for i in range(len(whole)) if whole[i : i + len(own)] == own)
        return whole[:start], whole[start + len(own) :]

    def embed_tokens(self, ids: Tensor) -> Tensor:
        """Token ids -> their embeddings ``[..., width]``, without positions."""
        return self.text.get_input_embeddings()(ids)

    def count_tokens(self, texts: Sequence[str]) -> List[int]:
        """Number of tokens of each text, with special tokens; the model reads up to ``max_length``."""
        return [len(ids) for ids in self.tokenizer(list(texts))['input_ids']]

    def forward(self, texts: Sequence[str]) -> Tensor:
        """Embed whole texts.

        Raises:
            ValueError: a text is longer than ``max_length``, unless ``truncate``.
        """
        cut = dict(truncation=True, max_length=self.max_length) if self.truncate else {}
        tokens = self.tokenizer(list(texts), padding=True, return_tensors='pt', **cut)
        lengths: List[int] = tokens['attention_mask'].sum(dim=1).tolist()
        if max(lengths) > self.max_length:
            raise ValueError(
                f'text of {max(lengths)} tokens; {self.model_name} reads up to {self.max_length}: '
                f'{texts[lengths.index(max(lengths))]!r}.'
            )
        device = next(self.text.parameters()).device
        ids, mask = tokens['input_ids'].to(device), tokens['attention_mask'].to(device)
        # full precision, so that the embedding of a text does not depend on autocast
        with torch.autocast(device.type, enabled=False):
            hidden = self.text(input_ids=ids, attention_mask=mask).last_hidden_state
        return self._pool(hidden, mask)

    def encode(self, embeddings: Tensor, ends: Tensor) -> Tensor:
        """Run the encoder on token embeddings.

        Args:
            embeddings: ``[K, L, width]``, with special tokens.
            ends: ``[K]``, the position of each text's last token; the rest is padding.

        Returns:
            Tensor: ``[K, D]``, pooled over each text's tokens.
        """
        mask = (torch.arange(embeddings.shape[1], device=ends.device) <= ends[:, None]).long()
        with torch.autocast(embeddings.device.type, enabled=False):
            hidden = self.text(inputs_embeds=embeddings, attention_mask=mask).last_hidden_state
        return self._pool(hidden, mask)

    def _pool(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Outputs ``[K, L, D]`` and the mask of the texts' tokens ``[K, L]`` -> ``[K, D]``."""
        rows = torch.arange(len(hidden), device=hidden.device)
        # argmax is the first real token, for padding on either side
        if self.pooling == 'cls':
            return hidden[rows, mask.argmax(dim=1)]
        if self.pooling == 'eos':
            return hidden[rows, mask.shape[1] - 1 - mask.flip(1).argmax(dim=1)]
        weights = mask[..., None].to(hidden.dtype)
        return (hidden * weights).sum(dim=1) / weights.sum(dim=1)


def _encoder_of(model: torch.nn.Module) -> torch.nn.Module:
    """The model without decoder and pooler, whose weights no loss would train."""
    if model.config.is_encoder_decoder:
        return model.get_encoder()
    if getattr(model, 'pooler', None) is not None:
        model.pooler = None
    return model
