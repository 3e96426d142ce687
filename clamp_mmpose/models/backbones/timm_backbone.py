from typing import List, Optional, Sequence, Tuple

import torch
from mmengine.model import BaseModule, PretrainedInit
from mmpose.registry import MODELS
from torch import Tensor

from clamp_mmpose.checkpoints.timm_weights import create_timm_model, timm_weights
from clamp_mmpose.models.utils.lora import load_base_weights
from clamp_mmpose.models.utils.tuning import check_tuning, set_tuning


@MODELS.register_module()
class TIMMBackbone(BaseModule):
    """Any feature extractor of timm (Wightman 2019) as a backbone: SwinV2, DINOv2, ConvNeXt and so on.

    Shapes: B images; each level has C channels in h x w cells of its stride; pooled, C channels.

    Args:
        model_name: a timm model, such as ``'swinv2_tiny_window8_256'``.
        out_indices: levels to return, -1 for the last.
        init_cfg: ``dict(type='Pretrained', checkpoint=...)`` with ``'timm://'`` for timm's own weights of this model
            (``'timm://TAG'`` for another tag of theirs), the path of a checkpoint in timm's names, or
            ``'package://efficientnet-lite0'`` for ``'tf_efficientnet_lite0'`` (ImageNet; pixels RGB, mean and standard
            deviation 127.5).
        pooled: return the input of timm's classifier, such as the class token, instead of maps.
        norm: apply the transformer's final norm to the maps, as DINOv2 does to its patch tokens.
        tune: ``'full'``, ``'lora'`` (low-rank adaptation, see :func:`add_lora`) or ``'frozen'``.
        lora: arguments of :func:`add_lora`. The targets are ``('qkv',)`` unless given: timm's one layer of query, key
            and value, so that the key is adapted too.
        model_args: further arguments of ``timm.create_model``, such as ``img_size``.

    Raises:
        ValueError: timm has no such model, its weights do not fit, or it has no such LoRA target.
    """

    def __init__(
        self,
        model_name: str,
        out_indices: Sequence[int] = (-1,),
        init_cfg: Optional[dict] = None,
        pooled: bool = False,
        norm: bool = False,
        tune: str = 'full',
        lora: Optional[dict] = None,
        **model_args,
    ):
        super().__init__(init_cfg)
        check_tuning(tune, lora)
        self.model_name = model_name
        self.pooled = pooled
        self.norm = norm
        self.model_args = (
            dict(model_args, num_classes=0)
            if pooled or norm
            else dict(model_args, features_only=True, out_indices=tuple(out_indices))
        )
        self.timm_model = create_timm_model(model_name, **self.model_args)
        if norm:
            self.out_indices = self._keep_blocks(list(out_indices))
            self.channels = [self.timm_model.num_features] * len(self.out_indices)
        elif not pooled:
            self.channels = self.timm_model.feature_info.channels()
            self.strides = self.timm_model.feature_info.reduction()
            self._drop_later_stages()
        set_tuning(self.timm_model, tune, lora)

    def init_weights(self) -> None:
        """Load pretrained weights, see :func:`timm_weights`.

        Raises:
            ValueError: they cannot be downloaded or read, or belong to another model.
        """
        if not self.init_cfg or self.init_cfg['type'] not in ('Pretrained', PretrainedInit):
            super().init_weights()
            return
        address = self.init_cfg['checkpoint']
        weights = timm_weights(address, self.model_name, **self.model_args)
        load_base_weights(
            self.timm_model, weights, address, f"timm's {self.model_name!r}", 'Give weights of the same model.'
        )
        self._is_init = True

    def forward(self, img: Tensor) -> Tuple[Tensor, ...]:
        """``[B, 3, H, W]`` -> one map ``[B, C, h, w]`` for each of ``out_indices``, or ``(pooled [B, C],)``."""
        if self.training and img.device.type == 'cpu':
            # a training step of EfficientNet-lite0 takes 1.4 s on one core, otherwise 2.3 s (32 images of 160 x 160)
            img = img.contiguous(memory_format=torch.channels_last)
        try:
            features = self._features(img)
        except AssertionError as error:
            raise ValueError(
                f'{self.model_name} does not take images of {img.shape[3]}x{img.shape[2]} pixels: {error} '
                'Choose another input_size (w, h), or give the backbone img_size=(h, w).'
            ) from error
        if self.pooled:
            return (features,)
        # some timm models have channels last (SwinV2)
        return tuple(channels_first(feature, channels) for feature, channels in zip(features, self.channels))

    def _features(self, img: Tensor):
        if not self.norm:
            return self.timm_model(img)
        return self.timm_model.forward_intermediates(img, self.out_indices, norm=True, intermediates_only=True)

    def _drop_later_stages(self) -> None:
        """Leave out the stages after the last level; timm does so itself, except in EfficientNet and MobileNetV3."""
        used = getattr(self.timm_model, '_stage_out_idx', None)
        if used and self.timm_model.feature_hooks is None:
            self.timm_model.blocks = self.timm_model.blocks[: max(used)]

    def _keep_blocks(self, indices: List[int]) -> List[int]:
        """Leave out the blocks after the last level."""
        if self.pooled or not (hasattr(self.timm_model, 'blocks') and hasattr(self.timm_model, 'norm')):
            raise ValueError(f'norm=True is for maps of transformers such as DINOv2, not for {self.model_name}.')
        return self.timm_model.prune_intermediate_layers(indices)


def channels_first(feature: Tensor, channels: int) -> Tensor:
    """``[B, h, w, C]`` or ``[B, C, h, w]`` -> ``[B, C, h, w]``."""
    if feature.shape[1] != channels and feature.shape[3] == channels:
        return feature.permute(0, 3, 1, 2)
    return feature
