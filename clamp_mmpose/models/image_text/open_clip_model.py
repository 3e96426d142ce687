from typing import Optional, Sequence

import torch
from mmengine.model import PretrainedInit
from mmpose.registry import MODELS
from torch import Tensor, nn

from clamp_mmpose.checkpoints.fit import load_weights
from clamp_mmpose.checkpoints.reader import is_torchscript, read_checkpoint

from .image_text_model import ImageTextModel


@MODELS.register_module()
class OpenCLIPModel(ImageTextModel):
    """Any open_clip model (Ilharco et al. 2021), for zero-shot tests: CLIP, SigLIP, EVA, CoCa and so on.

    Images come normalized from :class:`OpenCLIPPreprocess`; the ``data_preprocessor`` only stacks them.

    Args:
        arch: an open_clip name, such as ``'ViT-B-16-quickgelu'``.
        init_cfg: ``dict(type='Pretrained', checkpoint=...)`` with an open_clip tag (``'openai'``) or a file.

    Raises:
        ValueError: no such model, or weights that cannot be loaded, do not fit, or need the other activation.
    """

    def __init__(self, arch: str, init_cfg: Optional[dict] = None):
        super().__init__(dict(type='ImgDataPreprocessor'), init_cfg)
        self.arch = arch
        self.model = _create(arch)
        self.tokenizer = _call('get_tokenizer', arch)

    def init_weights(self) -> None:
        """Load pretrained weights through open_clip.

        Raises:
            ValueError: they cannot be loaded or do not fit.
        """
        if not self.init_cfg or self.init_cfg['type'] not in ('Pretrained', PretrainedInit):
            super().init_weights()
            return
        source = self.init_cfg['checkpoint']
        self._check_activation(source)
        # open_clip loads OpenAI's files only by tag
        weights = read_checkpoint(source) if is_torchscript(source) else _create(self.arch, source).state_dict()
        load_weights(self.model, weights, source, self.arch, 'Choose the architecture it was trained with.')
        self._is_init = True

    def _check_activation(self, source: str) -> None:
        """Check the activation: weights trained with GELU load into QuickGELU without an error, and vice versa."""
        import open_clip

        quick = True if is_torchscript(source) else open_clip.get_pretrained_cfg(self.arch, source).get('quick_gelu')
        own = open_clip.get_model_config(self.arch).get('quick_gelu', False)
        if quick is not None and bool(quick) != own:
            raise ValueError(
                f'{source} was trained with {"QuickGELU" if quick else "GELU"}, {self.arch} has the '
                f'other: use the architecture {"ending in" if quick else "without"} "-quickgelu".'
            )

    def embed_images(self, inputs: Tensor) -> Tensor:
        """``[B, 3, H, W]``, normalized -> ``[B, D]``."""
        return self.model.encode_image(inputs)

    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """N texts -> ``[N, D]``; open_clip's tokenizers cut long texts."""
        device = next(self.model.parameters()).device
        with torch.autocast(device.type, enabled=False):
            return self.model.encode_text(self.tokenizer(list(texts)).to(device))


def _create(arch: str, pretrained: Optional[str] = None) -> nn.Module:
    return _call('create_model', arch, pretrained=pretrained)


def _call(name: str, arch: str, **kwargs):
    import open_clip

    if arch not in open_clip.list_models():
        raise ValueError(
            f'open_clip {open_clip.__version__} has no {arch!r}; open_clip.list_models() lists its models.'
        )
    try:
        return getattr(open_clip, name)(arch, **kwargs)
    except Exception as error:  # from the hub, the network, torch, or weights that do not fit
        raise ValueError(
            f'open_clip: {arch!r} with {kwargs or "its tokenizer"} cannot be loaded: {type(error).__name__}: '
            f'{" ".join(str(error).splitlines()[:1])} Give a tag of open_clip.list_pretrained() or the path of a '
            'file; without internet, download it elsewhere.'
        ) from error
