from pathlib import Path
from typing import Dict, Optional, Sequence

import torch
from mmengine.model import PretrainedInit
from mmpose.registry import MODELS
from torch import Tensor, nn

from clamp_mmpose.checkpoints.clip import download, get_published
from clamp_mmpose.checkpoints.fit import load_weights, weights_of
from clamp_mmpose.checkpoints.reader import read_checkpoint
from clamp_mmpose.checkpoints.torchscript import is_torchscript

from .image_text_model import ImageTextModel

NOT_WEIGHTS = ('input_resolution', 'context_length', 'vocab_size')  # numbers in OpenAI's files


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
        """Load pretrained weights with our own reader; open_clip's can execute code in them.

        Raises:
            ConnectionError: the download failed.
            ValueError: no such weights, or they do not fit.
        """
        if not self.init_cfg or self.init_cfg['type'] not in ('Pretrained', PretrainedInit):
            super().init_weights()
            return
        source = self.init_cfg['checkpoint']
        file = Path(source).expanduser()
        published = {} if file.is_file() else get_published(self.arch, source)
        if not published and not file.is_file():
            raise ValueError(
                f'{source} is neither a file nor a pretrained tag of {self.arch}: give a tag of '
                'open_clip.list_pretrained() or the path of a file.'
            )
        self._check_activation(source, True if file.is_file() and is_torchscript(file) else published.get('quick_gelu'))
        if published:
            file = download(published, f'open_clip {self.arch}/{source}', 'open_clip://ARCH and a checkpoint')
        weights = _adapt(self.model, weights_of(read_checkpoint(file)))
        load_weights(self.model, weights, source, self.arch, 'Choose the architecture it was trained with.')
        self._is_init = True

    def _check_activation(self, source: str, quick: Optional[bool]) -> None:
        """Check the activation: weights trained with GELU load into QuickGELU without an error, and vice versa."""
        import open_clip

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


def _create(arch: str) -> nn.Module:
    return _call('create_model', arch, pretrained_hf=False)  # else a text tower's own weights, from a pickle


def _adapt(model: nn.Module, weights: Dict[str, Tensor]) -> Dict[str, Tensor]:
    """Rename and resize weights as ``open_clip.factory.load_checkpoint`` does."""
    from open_clip import factory

    weights = {name: value for name, value in weights.items() if name not in NOT_WEIGHTS}
    weights = factory.convert_state_dict(model, weights)  # of MobileCLIP and others
    if 'positional_embedding' in weights and not hasattr(model, 'positional_embedding'):
        weights = factory.convert_to_custom_text_state_dict(weights)
    own = model.state_dict()
    for name in ('logit_scale', 'logit_bias'):  # a number or one element
        if name in weights and name in own and weights[name].numel() == 1:
            weights[name] = weights[name].reshape(own[name].shape)
    if 'logit_bias' in own and 'logit_scale' in weights:
        weights.setdefault('logit_bias', torch.zeros_like(weights['logit_scale']))
    factory.resize_pos_embed(weights, model)
    factory.resize_text_pos_embed(weights, model)
    return weights


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
