from typing import Any, Optional, Sequence, Tuple

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn


class TokenRows(BaseModule):
    """Trained rows of a few tokens in frozen embeddings and in the frozen output layer of a language model.

    As peft's ``trainable_token_indices`` computes, but without a copy of both matrices at each call, which is a large
    part of the time of a generated token, with float32 rows beside weights in half precision, and with every peft. The
    layers stay what they are, in hooks; models whose output layer is the embeddings have one set of rows.

    Args:
        embedding: ``[V, D]``.
        output: the linear output layer.
        ids: of the N tokens.

    Attributes:
        input: ``[N, D]``, the embeddings.
        output: ``[N, D]``, weights of the output; None if they are the embeddings.
    """

    def __init__(self, embedding: nn.Embedding, output: nn.Linear, ids: Sequence[int]):
        super().__init__()
        self.ids = list(ids)
        shape = len(self.ids), embedding.weight.shape[1]
        self.input = nn.Parameter(torch.zeros(shape, device=embedding.weight.device))
        self.output: Optional[nn.Parameter] = None
        if output.weight is not embedding.weight:
            self.output = nn.Parameter(torch.zeros(shape, device=output.weight.device))
        self.read(embedding, output)
        # bound methods follow this module when a model is copied (EMA) or pickled
        embedding.register_forward_hook(self._embed)
        output.register_forward_hook(self._score)

    @torch.no_grad()
    def read(self, embedding: nn.Embedding, output: nn.Linear) -> None:
        """Start from the rows of the layers."""
        self.input.copy_(embedding.weight[self.ids])
        if self.output is not None:
            self.output.copy_(output.weight[self.ids])

    @torch.no_grad()
    def write(self, embedding: nn.Embedding, output: nn.Linear) -> None:
        """Put the rows into the layers."""
        embedding.weight[self.ids] = self.input.to(embedding.weight.dtype)
        if self.output is not None:
            output.weight[self.ids] = self.output.to(output.weight.dtype)

    def _embed(self, layer: Any, inputs: Tuple[Tensor, ...], embeddings: Tensor) -> Tensor:
        rows = self.input * getattr(layer, 'embed_scale', 1.0)  # of Gemma
        for token, row in zip(self.ids, rows.to(embeddings.dtype)):
            embeddings = torch.where((inputs[0] == token)[..., None], row, embeddings)
        return embeddings

    def _score(self, layer: Any, inputs: Tuple[Tensor, ...], logits: Tensor) -> Tensor:
        rows = self.input if self.output is None else self.output
        bias = None if layer.bias is None else layer.bias[self.ids]
        own = F.linear(inputs[0], rows.to(inputs[0].dtype), bias)
        ids = torch.tensor(self.ids, device=logits.device)
        return logits.index_copy_(-1, ids, own.to(logits.dtype))
