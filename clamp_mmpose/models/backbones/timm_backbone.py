import difflib
from typing import Dict, Optional, Sequence, Tuple

import timm
import torch
from mmengine.logging import MMLogger
from mmengine.model import BaseModule, PretrainedInit
from mmengine.runner import CheckpointLoader
from mmpose.registry import MODELS
from torch import Tensor

HUB = 'timm://'


@MODELS.register_module()
class TIMMBackbone(BaseModule):
    """Any feature extractor of timm (Wightman 2019) as a backbone: SwinV2, DINOv2, ConvNeXt and so on.

    Shapes: B images of ``[3, H, W]``, for each level C channels in h x w cells of the level's stride; or pooled C.

    Args:
        model_name: a name of timm's, such as ``'swinv2_tiny_window8_256'``.
        out_indices: levels that are given out, -1 the last.
        init_cfg: ``dict(type='Pretrained', checkpoint=...)`` with ``'timm://'`` for timm's own weights of this model
            (``'timm://TAG'`` for another tag of theirs), or the path of a checkpoint in timm's names.
        pooled: give the input of timm's classifier, such as the class token, instead of maps.
        model_args: further arguments of ``timm.create_model``, such as ``img_size``.

    Raises:
        ValueError: timm has no such model, or its weights do not fit.
    """

    def __init__(
        self,
        model_name: str,
        out_indices: Sequence[int] = (-1,),
        init_cfg: Optional[dict] = None,
        pooled: bool = False,
        **model_args,
    ):
        super().__init__(init_cfg)
        if not timm.is_model(model_name):
            near = difflib.get_close_matches(model_name, timm.list_models(), n=5)
            raise ValueError(
                f'timm {timm.__version__} has no model {model_name!r}; near it: {", ".join(near) or "none"}.'
            )
        self.model_name = model_name
        self.pooled = pooled
        self.model_args = (
            dict(model_args, num_classes=0)
            if pooled
            else dict(model_args, features_only=True, out_indices=tuple(out_indices))
        )
        self.timm_model = timm.create_model(model_name, pretrained=False, **self.model_args)
        if not pooled:
            self.channels = self.timm_model.feature_info.channels()
            self.strides = self.timm_model.feature_info.reduction()

    def init_weights(self) -> None:
        """Load pretrained weights through timm, which fits position embeddings and names, and say what it left.

        Raises:
            ValueError: timm's weights cannot be had, or the checkpoint is of another model.
        """
        if not self.init_cfg or self.init_cfg['type'] not in ('Pretrained', PretrainedInit):
            super().init_weights()
            return
        address = self.init_cfg['checkpoint']
        if address.startswith(HUB):
            name, source = '.'.join(filter(None, [self.model_name.split('.')[0], address[len(HUB) :]])), {}
        else:
            weights = CheckpointLoader.load_checkpoint(address, map_location='cpu')
            weights = weights.get('state_dict', weights.get('model', weights))
            name, source = self.model_name, dict(pretrained_cfg_overlay=dict(state_dict=weights))
        try:
            loaded, again = (self._create(name, source, seed) for seed in (0, 1))
        except Exception as error:  # of the hub, the network, or torch
            raise ValueError(
                f"{address} cannot be loaded into timm's {name!r}: {type(error).__name__}: "
                f'{" ".join(str(error).splitlines()[:1])} Without internet, download them elsewhere '
                'and give their path as the checkpoint.'
            ) from error
        # timm loads what fits and leaves the rest random: what differs from one seed to another was not loaded
        random = [name for name, value in loaded.items() if not torch.equal(value, again[name])]
        if random:
            raise ValueError(
                f'{address} is of another model than {name!r}: {len(random)} of {len(loaded)} weights are '
                f'missing in it, such as {random[:3]}.'
            )
        self.timm_model.load_state_dict(loaded)
        self._is_init = True
        MMLogger.get_current_instance().info(f'{self.model_name}: {len(loaded)} tensors from {address}')

    def _create(self, name: str, source: dict, seed: int) -> Dict[str, Tensor]:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return timm.create_model(name, pretrained=True, **source, **self.model_args).state_dict()

    def forward(self, img: Tensor) -> Tuple[Tensor, ...]:
        """``[B, 3, H, W]`` -> one map ``[B, C, h, w]`` for each of ``out_indices``, or ``(pooled [B, C],)``."""
        features = self.timm_model(img)
        if self.pooled:
            return (features,)
        # some of timm's models keep channels last (SwinV2)
        return tuple(channels_first(feature, channels) for feature, channels in zip(features, self.channels))


def channels_first(feature: Tensor, channels: int) -> Tensor:
    """``[B, h, w, C]`` or ``[B, C, h, w]`` -> ``[B, C, h, w]``."""
    if feature.shape[1] != channels and feature.shape[3] == channels:
        return feature.permute(0, 3, 1, 2)
    return feature
