import re
from typing import Dict, List, Sequence, Tuple

from torch import Tensor, nn

from clamp_mmpose.checkpoints.fit import DEFAULT_REMEDY, load_weights

QUERY_VALUE_NAMES = (('q_proj', 'v_proj'), ('query', 'value'), ('qkv',))


def add_lora(
    module: nn.Module,
    rank: int = 8,
    alpha: int = 16,
    dropout: float = 0.05,
    targets: Sequence[str] = ('q_proj', 'v_proj'),
) -> None:
    """Freeze a module and add low-rank adaptation (LoRA, Hu et al. 2022) by peft to some of its linear layers.

    A layer computes ``W x + alpha / rank * B A x``, where A and B are float32 whatever the precision of W. B starts
    at zero, so that the module computes the same as before; A is drawn from torch's generator. The layer ``NAME``
    holds ``NAME.base_layer.weight``, ``NAME.lora_A.default.weight`` and ``NAME.lora_B.default.weight``.

    Args:
        module: the model, changed in place; only A and B are trained afterwards.
        rank: rows of A, columns of B.
        alpha: scale of the update, times ``rank``.
        dropout: of the input of A, while training.
        targets: last parts of the names of the layers.

    Raises:
        ValueError: a target is not the name of a linear layer, or the module has LoRA already.
        ImportError: peft is not installed.
    """
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError as error:
        raise ImportError('LoRA needs peft: pip install "clamp_mmpose[llm]"') from error
    if lora_names(module):
        raise ValueError(f'{type(module).__name__} has LoRA already: add it once, with all targets.')
    names = linear_names(module)
    unknown = [target for target in targets if not any(f'.{name}'.endswith(f'.{target}') for name in names)]
    if unknown or not targets:
        last = sorted({name.rsplit('.', 1)[-1] for name in names})
        raise ValueError(
            f'LoRA targets {unknown or list(targets)} match no linear layer of {type(module).__name__}; '
            f'choose among {last}.'
        )
    module.requires_grad_(False)
    config = LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=dropout, target_modules=list(targets))
    inject_adapter_in_model(config, module)
    for name, layer in module.named_modules():
        if _is_lora(name):
            layer.float().train(module.training)  # peft's new layers are in training mode


def merge_lora(module: nn.Module) -> None:
    """Add the update of :func:`add_lora` to the weights, in place: the layers and their names are as before it."""
    if not lora_names(module):
        return
    from peft.tuners.lora import LoraLayer

    for name, layer in list(module.named_modules()):
        if isinstance(layer, LoraLayer):
            layer.merge()
            parent, _, own = name.rpartition('.')
            setattr(module.get_submodule(parent), own, layer.get_base_layer())
    if hasattr(module, 'peft_config'):
        del module.peft_config


def base_name(name: str) -> str:
    """The name that a weight has without LoRA: ``'q_proj.base_layer.weight'`` -> ``'q_proj.weight'``."""
    return re.sub(r'(^|\.)base_layer\.', r'\1', name)


def lora_names(module: nn.Module) -> List[str]:
    """Names of the weights that :func:`add_lora` added."""
    return [name for name in module.state_dict() if _is_lora(name)]


def query_value_names(module: nn.Module) -> Tuple[str, ...]:
    """Last parts of the names of the layers of query and value, or of the one layer of query, key and value.

    Raises:
        ValueError: they have none of the usual names.
    """
    last = {name.rsplit('.', 1)[-1] for name in linear_names(module)}
    for names in QUERY_VALUE_NAMES:
        if last.issuperset(names):
            return names
    raise ValueError(
        f'the layers of query and value of {type(module).__name__} have none of the names {QUERY_VALUE_NAMES}: '
        f'give the targets of LoRA, out of {sorted(last)}.'
    )


def linear_names(module: nn.Module) -> List[str]:
    """Names of the linear layers."""
    return [name for name, layer in module.named_modules() if isinstance(layer, nn.Linear)]


def load_base_weights(
    module: nn.Module, weights: Dict[str, Tensor], source: str, what: str, remedy: str = DEFAULT_REMEDY
) -> None:
    """Load weights that were saved without LoRA, as :func:`load_weights` does; LoRA's own weights stay as they are.

    Raises:
        ValueError: weights are missing or have another shape.
    """
    own = {base_name(name): name for name in module.state_dict()}
    renamed = {own.get(name, name): value for name, value in weights.items()}
    load_weights(module, renamed, source, what, remedy, optional=lora_names(module))


def _is_lora(name: str) -> bool:
    return '.lora_' in f'.{name}'
