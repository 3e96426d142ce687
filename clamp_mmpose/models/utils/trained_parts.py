"""Checkpoints that hold only what was trained; the frozen weights come from where the model got them before."""

import re
from typing import Any, Dict, Iterator, List, Optional, Set, Tuple

from mmengine.model import PretrainedInit
from torch import Tensor, nn

from clamp_mmpose.checkpoints.fit import load_weights, weights_of
from clamp_mmpose.checkpoints.stamp import Stamp, sample, stamp_of

from .lora import base_name

REMEDY = 'Give the config it was trained with.'


def drop_frozen(model: nn.Module, checkpoint: dict) -> Dict[str, dict]:
    """Remove the frozen weights of pretrained parts from a checkpoint, and note in its ``meta`` where they come from.

    ``meta['frozen_parts']`` has for each part, such as ``'head.language_model'`` (``''``: the model itself), its
    ``source``, the checkpoint of its ``init_cfg``, and a ``stamp``: some values of its frozen weights. Frozen weights
    without a source are kept, and those of a part that is trained for the most part.

    Args:
        model: without parallel wrapper; what FSDP wraps inside it is found too.
        checkpoint: with the whole ``state_dict``, and perhaps ``ema_state_dict``; changed in place.

    Returns:
        The notes; empty for a model without frozen pretrained parts, whose checkpoint is not changed.
    """
    parts = list(_pretrained_parts(model))
    if not parts:
        return {}
    # DDPStrategy saves the names of its wrapper
    weights = {re.sub(r'^module\.', '', key): value for key, value in checkpoint['state_dict'].items()}
    checkpoint['state_dict'] = weights
    notes = {}
    averaged = checkpoint.get('ema_state_dict', {})
    for name, part, source in parts:
        prefix = _prefix(name)
        frozen = [key for key in sorted(_frozen_names(part, prefix)) if key in weights]
        if sum(weights[key].numel() for key in frozen) <= _size(weights, prefix) / 2:
            continue
        removed = {key[len(prefix) :]: weights.pop(key) for key in frozen}
        for key in removed:
            averaged.pop(f'module.{prefix}{key}', None)
        notes[name] = dict(source=source, stamp=_stamp(removed))
    if notes:
        checkpoint['meta']['frozen_parts'] = notes
    return notes


def complete(model: nn.Module, checkpoint: dict, source: str) -> None:
    """Add the frozen weights to a checkpoint that lacks them: those of the model, whose ``init_weights`` loads them if
    that has not been done.

    Args:
        model: without parallel wrapper.
        checkpoint: changed in place; one without ``meta['frozen_parts']`` is complete.
        source: name of the checkpoint in errors.

    Raises:
        ValueError: the frozen weights cannot be loaded or are not those of the training, or the trained ones belong
            to a model with other layers.
    """
    notes = (checkpoint.get('meta') or {}).get('frozen_parts')
    if not notes:
        return
    weights = weights_of(checkpoint)
    parts = {name: (part, address) for name, part, address in _pretrained_parts(model)}
    for name, (saved_source, stamp) in _check_notes(notes, source).items():
        called, prefix = _called(name), _prefix(name)
        if name not in parts:
            raise ValueError(
                f'{source} holds only what was trained, and takes {called} from {saved_source!r}, but the model of '
                f'this config has no pretrained {called} (init_cfg). {REMEDY}'
            )
        part, address = parts[name]
        _initialize(part, name, address, source)
        own = part.state_dict()
        foreign = [key for key in weights if key.startswith(prefix) and key[len(prefix) :] not in own]
        if foreign:
            raise ValueError(
                f'{source} does not fit this model: it trained {len(foreign)} weights of {called} that this config '
                f'does not have {foreign[:3]}. {REMEDY}'
            )
        _check_stamp(own, stamp, f'{source} was trained on {saved_source!r}, but {called} of this config', address)
        trained = {key for key, parameter in part.named_parameters(remove_duplicate=False) if parameter.requires_grad}
        for key in own.keys() - trained:
            weights.setdefault(f'{prefix}{key}', own[key])
            if 'ema_state_dict' in checkpoint:
                checkpoint['ema_state_dict'].setdefault(f'module.{prefix}{key}', own[key].clone())
    checkpoint['state_dict'] = weights


def load_trained(model: nn.Module, checkpoint: dict, source: str) -> None:
    """Load a checkpoint, whole or with only what was trained, into a model.

    Raises:
        ValueError: see :func:`complete` and :func:`load_weights`.
    """
    complete(model, checkpoint, source)
    load_weights(model, weights_of(checkpoint), source)


def without_wrappers(name: str) -> str:
    """The name of a weight in a state dict, from that of a parameter of a model that FSDP has wrapped."""
    return re.sub(r'(_fsdp_wrapped_module|_checkpoint_wrapped_module)\.', '', name)


def _pretrained_parts(model: nn.Module) -> Iterator[Tuple[str, nn.Module, str]]:
    """The outermost modules of a model that load pretrained weights, perhaps itself (''): name, module, address."""
    found: List[str] = []
    for name, module in model.named_modules():
        address = _address(module)
        clean = without_wrappers(name)
        if address is not None and not any(clean.startswith(_prefix(outer)) for outer in found):
            found.append(clean)
            yield clean, module, address


def _called(part: str) -> str:
    return repr(part) if part else 'the whole model'


def _prefix(part: str) -> str:
    return f'{part}.' if part else ''


def _size(weights: Dict[str, Tensor], prefix: str) -> int:
    return sum(value.numel() for key, value in weights.items() if key.startswith(prefix))


def _address(module: nn.Module) -> Optional[str]:
    config = getattr(module, 'init_cfg', None)
    pretrained = isinstance(config, dict) and config.get('type') in ('Pretrained', PretrainedInit)
    return str(config['checkpoint']) if pretrained else None


def _frozen_names(part: nn.Module, prefix: str) -> Set[str]:
    """Names of parameters without gradient, and of the buffers of modules that stay in eval mode."""
    names = set()
    for name, module in part.named_modules(prefix=prefix[:-1], remove_duplicate=False):
        own = [key for key, value in module._parameters.items() if value is not None and not value.requires_grad]
        if 'train' in vars(module):  # see freeze(); in other modules, running statistics may change
            own += module._buffers
        names.update(without_wrappers(f'{_prefix(name)}{key}') for key in own)
    return names


def _initialize(part: Any, name: str, address: str, source: str) -> None:
    if part.is_init:
        return
    try:
        part.init_weights()
    except Exception as error:  # of the hub, the network, a missing or damaged file
        reason = (str(error).splitlines() or [''])[0]
        raise ValueError(
            f'{source} holds only what was trained, and {_called(name)} cannot be loaded from {address!r}: '
            f'{type(error).__name__}: {reason} Without internet, give its folder: '
            f'--cfg-options model.{_prefix(name)}init_cfg.checkpoint=FOLDER.'
        ) from error


def _stamp(weights: Dict[str, Tensor]) -> Stamp:
    """The stamp of weights by their names without LoRA."""
    return stamp_of({base_name(key): value for key, value in weights.items()})


def _check_stamp(weights: Dict[str, Tensor], stamp: Stamp, what: str, address: str) -> None:
    own = {base_name(key): value for key, value in weights.items()}
    for key, saved in stamp.items():
        values = sample(own[key]) if key in own else []
        if len(values) != len(saved) or not all(map(_nearly_equal, values, saved)):
            found = f'{values[:3]}' if values else 'missing'
            raise ValueError(
                f'{what} comes from {address!r}, which has other weights ({key}: {found} instead of {saved[:3]}). '
                'Give init_cfg the base model that the checkpoint was trained on.'
            )


def _nearly_equal(first: float, second: float) -> bool:
    """Whether they are the same number in float32, float16 or bfloat16, whose precision is 2^-8."""
    return abs(first - second) <= 2**-8 * max(abs(first), abs(second)) + 1e-7


def _check_notes(notes: Any, source: str) -> Dict[str, Tuple[str, Stamp]]:
    """Source and stamp of each part."""
    try:
        checked = {}
        for name, note in notes.items():
            stamp = {str(key): [float(value) for value in values] for key, values in note['stamp'].items()}
            checked[str(name)] = str(note['source']), stamp
        return checked
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f'{source}: its notes of frozen parts are damaged ({type(error).__name__}: {error}): give another copy.'
        ) from error
