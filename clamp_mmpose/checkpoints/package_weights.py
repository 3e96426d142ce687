"""MMEngine's loader of weights out of packages."""

from pathlib import Path
from typing import Any, Dict

from torch import Tensor

from .fit import weights_of
from .packages import local_source, package_of
from .reader import read_checkpoint
from .timm_weights import create_timm_model


def load_from_package(filename: str, map_location: Any = None) -> dict:
    """MMEngine's loader for ``package://``: the weights by name; those of an image tower in timm's names.

    Raises:
        ImportError, ValueError, OSError: see :func:`local_source`, or the package has a language model.
    """
    package, source = package_of(filename), Path(local_source(filename))
    if source.suffix == '.gguf':
        raise ValueError(
            f'{filename} is a language model of transformers, which loads it itself: give it to CausalLanguageModel, '
            f'as model= and as the checkpoint of its init_cfg.'
        )
    content = read_checkpoint(source / 'model.safetensors' if package.members else source, map_location)
    return content if package.timm_model is None else _renamed(weights_of(content), package.timm_model)


def _renamed(weights: Dict[str, Tensor], model_name: str) -> Dict[str, Tensor]:
    """Weights in timm's names: both list the same layers in the same order.

    Raises:
        ValueError: this timm lists others.
    """
    own = create_timm_model(model_name).state_dict()
    if [value.shape for value in own.values()] != [value.shape for value in weights.values()]:
        raise ValueError(f"timm's {model_name!r} has other layers than its weights: install timm>=1.0.3,<2, as tested.")
    return dict(zip(own, weights.values()))
