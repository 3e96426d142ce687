"""Embeddings of tokens that are added to a model's tokenizer."""

from typing import Any, Dict, Sequence

from torch import Tensor, nn


def make_room(text_config: Any, tokenizer: Any, added: Sequence[int]) -> None:
    """Enlarge the vocabulary of a configuration for added tokens, if its tokenizer fitted before."""
    known = set(tokenizer.get_vocab().values()) - set(added)
    if added and max(known) < text_config.vocab_size:
        text_config.vocab_size = max(text_config.vocab_size, max(added) + 1)


def with_new_rows(model: nn.Module, weights: Dict[str, Tensor], added: Sequence[int]) -> Dict[str, Tensor]:
    """Weights of the model before tokens were added, with rows for these in the embeddings and in the output layer.

    They are the mean of the rows before them, always the same: a checkpoint without frozen weights can be completed.
    """
    if not added:
        return weights
    layers: Any = model.get_input_embeddings(), model.get_output_embeddings()
    places = [layers[0].weight, layers[1].weight, getattr(layers[1], 'bias', None)]
    own = model.state_dict(keep_vars=True)
    grown = dict(weights)
    for name in weights:
        target = own.get(name)
        if target is not None and any(target is place for place in places):
            rows = weights[name]
            mean = rows[: min(added)].float().mean(dim=0).to(rows.dtype)
            grown[name] = mean.expand_as(target).clone()
            grown[name][: len(rows)] = rows
            grown[name][list(added)] = mean
    return grown
