"""timm models, and their weights from its hub or from files."""

import difflib
from typing import Dict

import torch
from mmengine.runner import CheckpointLoader
from torch import Tensor, nn

from .fit import load_weights, weights_of

HUB = 'timm://'
WEIGHT_ARGUMENTS = ('pretrained', 'checkpoint_path', 'pretrained_cfg', 'pretrained_cfg_overlay')


def create_timm_model(model_name: str, **model_args) -> nn.Module:
    """``timm.create_model``, with random weights.

    Raises:
        ValueError: timm has no such model, it does not take these arguments, or one of them names weights, which timm
            would read with its own reader.
    """
    import timm  # takes 0.3 s; other models do not need it

    given = [name for name in WEIGHT_ARGUMENTS if name in model_args]
    if given:
        raise ValueError(f'{given[0]} is not taken: give init_cfg=dict(type="Pretrained", checkpoint=...).')

    if not timm.is_model(model_name):
        near = difflib.get_close_matches(model_name, timm.list_models(), n=5)
        raise ValueError(f'timm {timm.__version__} has no model {model_name!r}; near it: {", ".join(near) or "none"}.')
    try:
        return timm.create_model(model_name, pretrained=False, **model_args)
    except Exception as error:  # timm asserts, or fails in a layer, on arguments that a model does not have
        raise ValueError(
            f'timm cannot build {model_name!r} with {model_args}: {type(error).__name__}: '
            f'{" ".join(str(error).splitlines()[:1])}'
        ) from error


def timm_weights(address: str, model_name: str, **model_args) -> Dict[str, Tensor]:
    """Weights by timm, which resizes position embeddings and adapts names; those that do not fit are left out.

    Args:
        address: ``'timm://'`` for timm's default weights of this model, ``'timm://TAG'`` for another tag, or the
            path of a checkpoint with timm's names.
        model_name, model_args: as given to :func:`create_timm_model`.

    Raises:
        ValueError: the weights cannot be downloaded or read.
    """
    if address.startswith(HUB):
        name, source = '.'.join(filter(None, [model_name.split('.')[0], address[len(HUB) :]])), {}
    else:
        weights = weights_of(CheckpointLoader.load_checkpoint(address, map_location='cpu'))
        name, source = model_name, dict(pretrained_cfg_overlay=dict(state_dict=weights))
    try:
        first, second = (_pretrained(name, seed, **source, **model_args) for seed in (0, 1))
    except Exception as error:  # from the hub, the network, or PyTorch
        raise ValueError(
            f"{address} cannot be loaded into timm's {name!r}: {type(error).__name__}: "
            f'{" ".join(str(error).splitlines()[:1])} Without internet, download them elsewhere '
            'and give their path as the checkpoint.'
        ) from error
    # timm leaves weights that do not fit random: those that differ between two seeds were not loaded
    return {name: value for name, value in first.items() if torch.equal(value, second[name])}


def load_timm_weights(model: nn.Module, address: str, model_name: str, **model_args) -> None:
    """Load :func:`timm_weights` into a model of :func:`create_timm_model`.

    Raises:
        ValueError: the weights cannot be downloaded or read, or do not fit.
    """
    weights = timm_weights(address, model_name, **model_args)
    load_weights(model, weights, address, f"timm's {model_name!r}", 'Give weights of the same model.')


def _pretrained(name: str, seed: int, **kwargs) -> Dict[str, Tensor]:
    import timm

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return timm.create_model(name, pretrained=True, **kwargs).state_dict()
