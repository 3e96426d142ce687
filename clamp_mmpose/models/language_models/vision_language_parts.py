"""The parts of transformers' image-text-to-text models, by the names that they have there, and what is trained."""

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import torch
from torch import Tensor, nn

from clamp_mmpose.models.utils.freeze import freeze
from clamp_mmpose.models.utils.lora import add_lora, linear_names

VISION_TOWERS = ('vision_tower', 'vision_model', 'vision_encoder', 'visual')
PROJECTORS = ('multi_modal_projector', 'connector', 'aligner', 'merger', 'deepstack_merger_list')
LLAVA_LORA: Dict[str, Any] = dict(
    rank=128, alpha=256
)  # LLaVA-1.5's finetune_lora.sh; dropout 0.05 is the default of add_lora


class VisionLanguageParts(NamedTuple):
    """The decoder holds the token embeddings and the layers, but not the output layer."""

    decoder: nn.Module
    vision_tower: nn.Module
    projectors: List[nn.Module]


def find_parts(vlm: nn.Module) -> VisionLanguageParts:
    """The parts of a model, whose layout differs between models and versions of transformers.

    Raises:
        ValueError: it has no vision tower, or no projector.
    """
    embeddings = vlm.get_input_embeddings()
    decoder = next(part for part in vlm.modules() if any(child is embeddings for child in part.children()))
    towers, projectors = (_outermost(vlm, names) for names in (VISION_TOWERS, PROJECTORS))
    if len(towers) != 1 or not projectors:
        found = sorted({name.rsplit('.', 1)[-1] for name, _ in vlm.named_modules() if 0 < name.count('.') < 3})
        raise ValueError(
            f'{type(vlm).__name__} must have one vision tower, named one of {VISION_TOWERS}, and a projector, named '
            f'one of {PROJECTORS}; found {found}.'
        )
    return VisionLanguageParts(decoder, towers[0], projectors)


def set_trained_parts(
    vlm: nn.Module, tune: str, lora: Optional[dict], tune_projector: bool, tune_vision: bool
) -> VisionLanguageParts:
    """Freeze what is not trained, and add LoRA to the decoder.

    A projector or vision tower that is trained beside a frozen language model, or one with LoRA, is float32, as LoRA
    is: an optimizer loses small updates of bfloat16 weights.

    Args:
        vlm: the model, changed in place.
        tune: ``'frozen'``, ``'lora'`` or ``'full'``: the language model.
        lora: arguments of :func:`add_lora`; default: :data:`LLAVA_LORA`, in all linear layers of the decoder.
        tune_projector, tune_vision: whether these are trained, whole.

    Returns:
        The parts.
    """
    parts = find_parts(vlm)
    if tune != 'full':
        vlm.requires_grad_(False)
    if not tune_vision:
        freeze(parts.vision_tower)
    if tune == 'frozen':
        freeze(parts.decoder)
    elif tune == 'lora':
        every = sorted({name.rsplit('.', 1)[-1] for name in linear_names(parts.decoder)})
        add_lora(parts.decoder, **{'targets': every, **(lora or LLAVA_LORA)})
    for part, trained in ((parts.vision_tower, tune_vision), *((part, tune_projector) for part in parts.projectors)):
        if trained:
            part.requires_grad_(True)
            if tune != 'full':
                part.float()
    for part in parts.projectors:
        part.requires_grad_(tune_projector)
        part.register_forward_pre_hook(_in_own_precision)
    return parts


def _in_own_precision(module: nn.Module, inputs: Tuple[Tensor, ...]) -> Tuple[Tensor, ...]:
    """Cast the features of a vision tower, which may have another precision than the projector."""
    weight = next(module.parameters(), None)
    if weight is None:  # FSDP holds them elsewhere, and casts
        return inputs
    return tuple(value.to(weight.dtype) if torch.is_floating_point(value) else value for value in inputs)


def _outermost(vlm: nn.Module, names: Tuple[str, ...]) -> List[nn.Module]:
    found: List[str] = []
    for name, _ in vlm.named_modules():
        if name.rsplit('.', 1)[-1] in names and not any(name.startswith(f'{outer}.') for outer in found):
            found.append(name)
    parts = [vlm.get_submodule(name) for name in found]
    return [own for part in parts for own in (part if isinstance(part, nn.ModuleList) else [part])]
