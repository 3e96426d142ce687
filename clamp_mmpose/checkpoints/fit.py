"""The one decision whether weights fit a model, for all that load weights."""

import re
from typing import Dict, List, NamedTuple, Sequence

from mmengine.logging import MMLogger
from torch import Tensor, nn

TRAINED_TOGETHER = 'Give the checkpoint that was trained with this config, or the config it was trained with.'
NAMES_SHOWN = 10


class Fit(NamedTuple):
    """How weights fit a model, by names of its state dict."""

    missing: List[str]  # only the model has them
    misfits: List[str]  # of another shape: 'name (5, 2) instead of (3, 2)'
    unused: List[str]  # only the checkpoint has them


def weights_of(content: dict) -> Dict[str, Tensor]:
    """The weights in a checkpoint by name, without the prefix that a parallel wrapper adds."""
    for key in ('state_dict', 'model'):
        if isinstance(content.get(key), dict):
            content = content[key]
    return {re.sub(r'^module\.', '', name): value for name, value in content.items() if isinstance(value, Tensor)}


def check_fit(
    model: nn.Module,
    weights: Dict[str, Tensor],
    source: str,
    what: str = 'this model',
    remedy: str = TRAINED_TOGETHER,
    optional: Sequence[str] = (),
    partly: bool = False,
) -> Fit:
    """Make sure that weights are those of a model; a checkpoint may hold more than the model needs.

    Args:
        weights: names and tensors of the checkpoint, see :func:`weights_of`.
        source, what: what the checkpoint and the model are called in the error.
        remedy: what to do, the error's last sentence.
        optional: beginnings of the names that may be missing.
        partly: allow missing or differing weights, but not all of them.

    Raises:
        ValueError: weights are missing or have another shape.
    """
    # a counter of batch norm that no forward pass reads, absent from older checkpoints
    own = {name: value for name, value in model.state_dict().items() if 'num_batches_tracked' not in name}
    missing = [name for name in own if name not in weights]
    misfits = [
        f'{name} {tuple(weights[name].shape)} instead of {tuple(value.shape)}'
        for name, value in own.items()
        if name in weights and weights[name].shape != value.shape
    ]
    nothing_fits = len(missing) + len(misfits) == len(own)
    needed = missing if nothing_fits else [name for name in missing if not name.startswith(tuple(optional))]
    if nothing_fits or (not partly and (needed or misfits)):
        faults = [f'{len(needed)} of {len(own)} weights are missing {needed[:3]}'] if needed else []
        faults += [f'{len(misfits)} of {len(own)} weights have another shape {misfits[:3]}'] if misfits else []
        raise ValueError(f'{source} does not fit {what}: {", ".join(faults)}. {remedy}')
    return Fit(missing, misfits, sorted(weights.keys() - model.state_dict().keys()))


def load_weights(
    model: nn.Module,
    weights: Dict[str, Tensor],
    source: str,
    what: str = 'this model',
    remedy: str = TRAINED_TOGETHER,
    refitted: Sequence[str] = (),
) -> None:
    """Load weights that fit, as :func:`check_fit` decides, and log what was loaded, refitted and not used.

    Args:
        refitted: what was done to make weights fit, for the log.
    """
    unused = check_fit(model, weights, source, what, remedy).unused
    used = {name: value for name, value in weights.items() if name not in set(unused)}
    model.load_state_dict(used, strict=False)
    notes = list(refitted)
    if unused:
        more = f' and {len(unused) - NAMES_SHOWN} more' if len(unused) > NAMES_SHOWN else ''
        notes.append(f'not used: {", ".join(unused[:NAMES_SHOWN])}{more}')
    MMLogger.get_current_instance().info(
        f'{len(used)} tensors of {source} loaded into {what}' + ''.join(f'; {note}' for note in notes)
    )
