from typing import Any, Optional, Union

from mmpose.registry import MODELS
from torch import nn

SubLayer = Union[str, dict]  # a registered type, or a config whose type may be left out


def build_sub_layer(layer: Optional[SubLayer], default: str, **arguments: Any) -> Optional[nn.Module]:
    """Build a part of a head through ``MODELS``; None gives None.

    Args:
        layer: a type, or a config, whose values win over ``arguments``.
        default: the type of a config that names none.
        arguments: what the head passes to any layer in this role.
    """
    if layer is None:
        return None
    config = dict(type=layer) if isinstance(layer, str) else layer
    return MODELS.build(dict(arguments, **dict(dict(type=default), **config)))
