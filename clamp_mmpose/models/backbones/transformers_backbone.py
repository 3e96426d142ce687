import inspect
from typing import Optional, Tuple

import torch
from mmengine.model import BaseModule, PretrainedInit
from mmpose.registry import MODELS
from torch import Tensor, nn

from clamp_mmpose.models.utils.hugging_face import DTYPES, load_config, pretrained_weights
from clamp_mmpose.models.utils.lora import load_base_weights
from clamp_mmpose.models.utils.tuning import check_tuning, set_tuning
from clamp_mmpose.utils.choices import check_choice


@MODELS.register_module()
class TransformersBackbone(BaseModule):
    """An image tower of Hugging Face's transformers: DINOv2, also with registers, Hiera, the towers of CLIP and SigLIP.

    Code that is part of a model is never run. Position embeddings are interpolated to the size of the image.

    Args:
        model: a folder with ``config.json``, or a name on the hub, such as ``'facebook/dinov2-large'``; None builds
            the model from ``config``.
        tune: ``'frozen'``, ``'lora'`` (low-rank adaptation, see :func:`add_lora`) or ``'full'``.
        lora: arguments of :func:`add_lora`; its targets are the layers of query and value, unless given. In Hiera
            they are one layer, ``'qkv'``, with the key.
        dtype: precision of the weights; ``'float32'``, ``'bfloat16'`` or ``'float16'``. Maps have that of the images.
        config: fields of the model's configuration to set, such as ``dict(drop_path_rate=0.4)``; without ``model``,
            ``model_type`` and the fields that differ from transformers' defaults.
        init_cfg: ``dict(type='Pretrained', checkpoint=...)`` with a folder or a name as above; the weights must be
            safetensors files.

    Raises:
        ValueError: the model cannot be loaded, needs its own code, has no such field or LoRA target.
        ImportError: transformers is not installed, or peft for LoRA.
    """

    def __init__(
        self,
        model: Optional[str] = None,
        tune: str = 'frozen',
        lora: Optional[dict] = None,
        dtype: str = 'float32',
        config: Optional[dict] = None,
        init_cfg: Optional[dict] = None,
    ):
        super().__init__(init_cfg)
        check_tuning(tune, lora)
        check_choice('dtype', dtype, DTYPES)
        try:
            from transformers import AutoModel
        except ImportError as error:
            raise ImportError('TransformersBackbone needs transformers: pip install "clamp_mmpose[llm]"') from error
        settings = _configuration(model, config or {})
        self.model_name, self.tune = model or settings.model_type, tune
        # newer transformers build in the precision of the config
        self.model = AutoModel.from_config(settings, trust_remote_code=False).to(getattr(torch, dtype))
        if self.model.main_input_name != 'pixel_values':
            raise ValueError(f'{self.model_name} reads {self.model.main_input_name}; expected a model of images.')
        _remove_unused(self.model)
        self.stride, self.embed_dims = _stride(settings), settings.hidden_size
        self._any_size = 'interpolate_pos_encoding' in inspect.signature(self.model.forward).parameters
        set_tuning(self.model, tune, lora)

    def init_weights(self) -> None:
        """Load pretrained weights.

        Raises:
            ValueError: they cannot be loaded, or belong to another model.
        """
        if not self.init_cfg or self.init_cfg['type'] not in ('Pretrained', PretrainedInit):
            super().init_weights()
            return
        source = self.init_cfg['checkpoint']
        weights = pretrained_weights(type(self.model), source, lambda model: model)
        load_base_weights(self.model, weights, source, self.model_name, 'Give the weights of the same model.')
        self._is_init = True

    def forward(self, img: Tensor) -> Tuple[Tensor]:
        """``[B, 3, H, W]`` -> ``(map [B, C, h, w],)`` after the final norm, without class and register tokens.

        Raises:
            ValueError: the stride does not divide H and W, or the model takes no other size than its own.
        """
        height, width = img.shape[2:]
        if height % self.stride or width % self.stride:
            raise ValueError(
                f'{self.model_name} takes images with sides that {self.stride} divides, not {width}x{height} pixels: '
                'choose another input_size (w, h).'
            )
        h, w = height // self.stride, width // self.stride
        size = dict(interpolate_pos_encoding=True) if self._any_size else {}
        try:
            tokens = self.model(pixel_values=img.to(self.model.dtype), **size).last_hidden_state
        except RuntimeError as error:
            if self._any_size or 'match the size' not in str(error):
                raise
            raise ValueError(
                f'{self.model_name} takes only its own image size in this transformers, not {width}x{height} '
                'pixels: choose that input_size, or update transformers (CLIP: from 4.46 on).'
            ) from error
        norm = _norm_of_pooled(self.model)
        if norm is not None:
            tokens = norm(tokens)
        # class and register tokens come first
        patches = tokens[:, tokens.shape[1] - h * w :].to(img.dtype)
        return (patches.transpose(1, 2).reshape(len(img), self.embed_dims, h, w),)


def _configuration(model: Optional[str], fields: dict):
    """The configuration of the image tower; of the whole model only that part is used."""
    from transformers import AutoConfig

    if model is None and 'model_type' not in fields:
        raise ValueError(
            'TransformersBackbone needs model, a folder or a name, or config with model_type, such as '
            "config=dict(model_type='dinov2', hidden_size=384)."
        )
    settings = AutoConfig.for_model(fields['model_type']) if model is None else load_config(model)
    settings = getattr(settings, 'vision_config', settings)
    unknown = [name for name in fields if not hasattr(settings, name)]
    if unknown:
        raise ValueError(f'{settings.model_type} has no {", ".join(unknown)}; it has {sorted(settings.to_dict())}.')
    if model is None:
        return AutoConfig.for_model(**fields)
    for name, value in fields.items():
        setattr(settings, name, value)
    return settings


def _stride(settings) -> int:
    """Pixels of the image for each token at the end."""
    if not hasattr(settings, 'query_stride'):
        side = settings.patch_size
        return side if isinstance(side, int) else side[0]
    # Hiera; with less pooling its last tokens are not in the order of the image
    if settings.num_query_pool != len(settings.depths) - 1:
        raise ValueError(
            f'num_query_pool={settings.num_query_pool} with {len(settings.depths)} stages: expected pooling '
            f'before each stage but the first, num_query_pool={len(settings.depths) - 1}.'
        )
    return settings.patch_stride[0] * settings.query_stride[0] ** settings.num_query_pool


def _remove_unused(model: nn.Module) -> None:
    """Leave out what the map does not need: DDP stops at trained parameters without a gradient."""
    for part in model.modules():
        if hasattr(part, 'use_head'):  # SigLIP's attention pooling
            part.use_head, part.head = False, None
        if isinstance(getattr(part, 'mask_token', None), nn.Parameter):
            part.mask_token.requires_grad_(False)


def _norm_of_pooled(model: nn.Module) -> Optional[nn.Module]:
    """The final norm of CLIP and Hiera, which transformers applies to the pooled token only."""
    if model.config.model_type == 'hiera':
        return model.pooler.layernorm
    if model.config.model_type == 'clip_vision_model':
        return getattr(model, 'vision_model', model).post_layernorm  # transformers 4 has a module more
    return None
