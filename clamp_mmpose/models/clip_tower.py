import copy
import math
from typing import Tuple, Union

import torch.nn.functional as F
from mmengine.logging import MMLogger
from mmengine.model import BaseModule, PretrainedInit
from mmengine.runner import CheckpointLoader
from torch import Tensor, cat


class CLIPTower(BaseModule):
    """One tower of CLIP, defined by open_clip and held under the name its weights have in ``clip://`` checkpoints.

    Args:
        tower_name: ``visual`` or ``text``.
        init_cfg: ``dict(type='Pretrained', checkpoint='clip://...')``, or the path of a trained model with the
            ``prefix`` of the tower in it (``'backbone.'``).
    """

    def __init__(self, tower_name: str, init_cfg: Union[dict, None] = None):
        super().__init__(init_cfg)
        self.tower_name = tower_name

    def init_weights(self) -> None:
        """Load pretrained weights and say what did not match.

        Raises:
            ValueError: a weight of the tower is missing or has another shape, or the activation differs.
        """
        if not self.init_cfg or self.init_cfg['type'] not in ('Pretrained', PretrainedInit):
            super().init_weights()
            return
        address, prefix = self.init_cfg['checkpoint'], self.init_cfg.get('prefix', '')
        content = CheckpointLoader.load_checkpoint(address, map_location='cpu')
        if content.get('quick_gelu') not in (None, self.quick_gelu):
            raise ValueError(
                f'{address} was trained with {"QuickGELU" if content["quick_gelu"] else "GELU"}, this '
                f'{type(self).__name__} has the other: use the architecture '
                f'{"ending in" if content["quick_gelu"] else "without"} "-quickgelu".'
            )
        weights = content.get('state_dict', content)
        mine = f'{prefix}{self.tower_name}.'
        weights = {name[len(prefix) :]: value for name, value in weights.items() if name.startswith(mine)}
        self._load_tower(weights, address)
        self._is_init = True

    def _load_tower(self, weights: dict, address: str) -> None:
        own = self.state_dict()
        notes = []
        for name in own.keys() & weights.keys():
            if own[name].shape != weights[name].shape and name.endswith('positional_embedding'):
                weights[name] = self._fit_positions(weights[name], own[name])
                notes.append(f'{name} fitted to {tuple(own[name].shape)}')
        missing = sorted(name for name in own.keys() - weights.keys() if 'num_batches_tracked' not in name)
        misfits = sorted(
            f'{name} {tuple(weights[name].shape)} instead of {tuple(own[name].shape)}'
            for name in own.keys() & weights.keys()
            if own[name].shape != weights[name].shape
        )
        if missing or misfits:
            raise ValueError(
                f'{address} does not fit this {type(self).__name__}: {len(missing)} of {len(own)} weights missing '
                f'{missing[:3]}, {len(misfits)} of another shape {misfits[:3]}. Choose the architecture ("arch") '
                'the weights were trained with.'
            )
        unused = sorted(weights.keys() - own.keys())
        self.load_state_dict({name: value for name, value in weights.items() if name in own}, strict=False)
        if unused:
            notes.append(f'not used: {", ".join(unused)}')
        MMLogger.get_current_instance().info(
            f'{type(self).__name__}: {len(own)} tensors from {address}' + ''.join(f'; {note}' for note in notes)
        )

    def _fit_positions(self, positions: Tensor, own: Tensor) -> Tensor:
        side = math.isqrt(len(own) - 1)
        return resize_positions(positions, (side, side))


def clip_architecture(arch: Union[str, dict]) -> dict:
    """The architecture of a CLIP model as open_clip's JSON writes it.

    Args:
        arch: the name of one of open_clip's (``'ViT-B-16-quickgelu'``), or such a dict: ``embed_dim``,
            ``vision_cfg``, ``text_cfg``, optionally ``quick_gelu``.

    Raises:
        ValueError: unknown name, or a dict without ``embed_dim``.
    """
    if isinstance(arch, str):
        from open_clip import get_model_config, list_models

        config = get_model_config(arch)
        if config is None:
            stem = arch.split('-quickgelu')[0].split('-')[0]
            near = [name for name in list_models() if name.startswith(stem)]
            raise ValueError(f'open_clip has no architecture {arch!r}; near it: {", ".join(near) or "none"}.')
        return config
    if 'embed_dim' not in arch:
        raise ValueError(
            f'arch needs "embed_dim", "vision_cfg" and "text_cfg", as in open_clip\'s JSON; got {sorted(arch)}.'
        )
    return copy.deepcopy(dict(arch))


def resize_positions(positions: Tensor, size: Tuple[int, int]) -> Tensor:
    """Resize a square grid of position embeddings bilinearly, as DenseCLIP and CLAMP do.

    Args:
        positions: ``[1 + n * n, C]``, the first row belongs to the class token.
        size: (rows, columns) of the new grid.

    Returns:
        Tensor: ``[1 + rows * columns, C]``.
    """
    side = math.isqrt(len(positions) - 1)
    if (side, side) == tuple(size):
        return positions
    grid = positions[1:].reshape(1, side, side, -1).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, size=tuple(size), mode='bilinear', align_corners=False)
    return cat([positions[:1], grid.flatten(2).squeeze(0).t()])
