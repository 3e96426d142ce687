from typing import Dict, List, Optional

from mmengine.model import BaseModule, PretrainedInit
from mmengine.runner import CheckpointLoader
from torch import Tensor

from clamp_mmpose.checkpoints.fit import load_weights, weights_of


class CLIPTower(BaseModule):
    """One tower of CLIP, built by open_clip and named as in ``clip://`` checkpoints.

    Args:
        tower_name: ``visual`` or ``text``.
        quick_gelu: whether the activation is QuickGELU; weights trained with GELU have the same names and shapes.
        init_cfg: ``dict(type='Pretrained', checkpoint='clip://...')``, or the path of a trained model with the
            ``prefix`` of the tower in it (``'backbone.'``).
    """

    def __init__(self, tower_name: str, quick_gelu: bool, init_cfg: Optional[dict] = None):
        super().__init__(init_cfg)
        self.tower_name = tower_name
        self.quick_gelu = quick_gelu

    def init_weights(self) -> None:
        """Load pretrained weights and log what did not match.

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
        mine = f'{prefix}{self.tower_name}.'
        weights = {name[len(prefix) :]: value for name, value in weights_of(content).items() if name.startswith(mine)}
        resized = self._refit(weights)
        load_weights(
            self,
            weights,
            address,
            what=f'this {type(self).__name__}',
            remedy='Choose the architecture ("arch") the weights were trained with.',
            resized=resized,
        )
        self._is_init = True

    def _refit(self, weights: Dict[str, Tensor]) -> List[str]:
        """Adapt weights in place where possible; returns what was adapted."""
        return []
