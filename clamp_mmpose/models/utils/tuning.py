from typing import Optional

from torch import nn

from clamp_mmpose.utils.choices import check_choice

from .freeze import freeze
from .lora import add_lora, query_value_names

TUNES = ('frozen', 'lora', 'full')


def check_tuning(tune: str, lora: Optional[dict]) -> None:
    """Check the arguments of :func:`set_tuning`, before a large model is built.

    Raises:
        ValueError: there is no such way, or LoRA has arguments without being used.
    """
    check_choice('tune', tune, TUNES)
    if lora is not None and tune != 'lora':
        raise ValueError(f'lora={lora} needs tune="lora", not {tune!r}.')


def set_tuning(module: nn.Module, tune: str, lora: Optional[dict] = None) -> None:
    """Decide what of a pretrained module is trained.

    Args:
        module: a tower.
        tune: ``'frozen'``, ``'lora'`` or ``'full'``.
        lora: arguments of :func:`add_lora`; the targets are the layers of query and value, unless given.

    Raises:
        ValueError: LoRA has no such target.
        ImportError: LoRA needs peft, which is not installed.
    """
    if tune == 'lora':
        lora = lora or {}
        add_lora(module, **(lora if 'targets' in lora else dict(lora, targets=query_value_names(module))))
    elif tune == 'frozen':
        freeze(module)
