"""Decides whether weights fit a model; everything that loads weights uses it."""

import re
from typing import Dict, List, NamedTuple, Sequence

import torch
from mmengine.logging import MMLogger
from torch import Tensor, nn

DEFAULT_REMEDY = 'Give the checkpoint that was trained with this config, or the config it was trained with.'
NAMES_SHOWN = 10


class Fit(NamedTuple):
    """How weights fit a model: names in the state dicts."""

    missing: List[str]  # in the model only
    mismatched: List[str]  # of another shape: 'name (5, 2) instead of (3, 2)'
    unused: List[str]  # in the checkpoint only


def weights_of(content: dict) -> Dict[str, Tensor]:
    """The weights of a checkpoint by name, without the ``module.`` prefix of parallel wrappers.

    Raises:
        ValueError: a weight is sparse, quantized or has fewer values than its shape says.
    """
    for key in ('state_dict', 'model'):
        if isinstance(content.get(key), dict):
            content = content[key]
    weights = {
        re.sub(r'^module\.', '', name): value
        for name, value in content.items()
        if isinstance(name, str) and isinstance(value, Tensor)
    }
    for name, value in weights.items():
        plain = value.layout == torch.strided and not (value.is_meta or value.is_quantized)
        if not plain or value.numel() * value.element_size() > value.untyped_storage().nbytes():
            raise ValueError(
                f'weight {name} {tuple(value.shape)} is not a plain tensor that holds all its values: save the '
                'state_dict with dense, contiguous tensors.'
            )
    return weights


def check_fit(
    model: nn.Module,
    weights: Dict[str, Tensor],
    source: str,
    what: str = 'this model',
    remedy: str = DEFAULT_REMEDY,
    optional: Sequence[str] = (),
    partial: bool = False,
) -> Fit:
    """Check that the weights fit the model. A checkpoint may hold more weights than the model needs.

    Args:
        model: the model.
        weights: names and tensors of the checkpoint, see :func:`weights_of`.
        source, what: names of the checkpoint and the model in the error.
        remedy: what to do, the last sentence of the error.
        optional: prefixes of weights that may be missing.
        partial: allow missing and mismatched weights, as long as one fits.

    Raises:
        ValueError: weights are missing or have another shape.
    """
    # a counter that batch norm does not use in the forward pass; older checkpoints lack it
    own = {name: value for name, value in model.state_dict().items() if 'num_batches_tracked' not in name}
    missing = [name for name in own if name not in weights]
    mismatched = [
        f'{name} {tuple(weights[name].shape)} instead of {tuple(value.shape)}'
        for name, value in own.items()
        if name in weights and weights[name].shape != value.shape
    ]
    nothing_fits = len(missing) + len(mismatched) == len(own)
    needed = missing if nothing_fits else [name for name in missing if not name.startswith(tuple(optional))]
    if nothing_fits or (not partial and (needed or mismatched)):
        problems = [f'{len(needed)} of {len(own)} weights are missing {needed[:3]}'] if needed else []
        if mismatched:
            problems.append(f'{len(mismatched)} of {len(own)} weights have another shape {mismatched[:3]}')
        raise ValueError(f'{source} does not fit {what}: {", ".join(problems)}. {remedy}')
    return Fit(missing, mismatched, sorted(weights.keys() - model.state_dict().keys()))


def load_weights(
    model: nn.Module,
    weights: Dict[str, Tensor],
    source: str,
    what: str = 'this model',
    remedy: str = DEFAULT_REMEDY,
    resized: Sequence[str] = (),
    optional: Sequence[str] = (),
) -> None:
    """Load weights that pass :func:`check_fit`, and log what was loaded, resized and not used.

    Args:
        model, weights, source, what, remedy, optional: as in :func:`check_fit`.
        resized: which weights were resized to fit, for the log.

    Raises:
        ValueError: weights are missing or have another shape.
    """
    unused = check_fit(model, weights, source, what, remedy, optional).unused
    used = {name: value for name, value in weights.items() if name not in set(unused)}
    model.load_state_dict(used, strict=False)
    notes = list(resized)
    if unused:
        more = f' and {len(unused) - NAMES_SHOWN} more' if len(unused) > NAMES_SHOWN else ''
        notes.append(f'not used: {", ".join(unused[:NAMES_SHOWN])}{more}')
    MMLogger.get_current_instance().info(
        f'{len(used)} tensors of {source} loaded into {what}' + ''.join(f'; {note}' for note in notes)
    )
