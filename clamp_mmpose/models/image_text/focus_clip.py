import copy
from typing import Dict, List, Optional, Sequence, Union

import torch
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample
from torch import Tensor, nn

from clamp_mmpose.models.utils.freeze import freeze
from clamp_mmpose.utils.choices import check_choice

from .image_text_model import ImageTextModel

TERMS = ('image-text', 'roi-text', 'roi-image')
ROI_INPUTS = ('masked', 'heatmap')
ROI_TOWERS = ('shared', 'own')


@MODELS.register_module()
class FocusCLIP(ImageTextModel):
    """Contrastive pretraining on images, their focused versions and descriptions (FocusCLIP, section 3).

    Each sample has a ``text`` and ``gt_focus.heatmap`` H ``[1, h, w]``, see :class:`PackFocusInputs`. The second
    branch (ROI) sees the image multiplied by alpha + H (1 - alpha), in pixel values: black where H and
    alpha are 0. It is used in training only; tests use the images without a mask.

    Args:
        backbone: the image tower; its pooled output is used if it has one, else the mean of its last map.
        in_channels: C of that output.
        text_encoder: such as :class:`HFTextEncoder` with ``tune=True``.
        embed_dims: D of the shared space.
        loss_terms: the pairs whose losses are added: ``'image-text'``, ``'roi-text'`` (eq. 6), ``'roi-image'`` (the
            authors' code adds it). Without a pair of ROI this is CLIP.
        loss: :class:`NTXentLoss`.
        roi_tower: ``'shared'``: ROI uses the image tower and its projection; ``'own'``: ROI has its own tower and
            projection, which are trained.
        roi_input: ``'masked'`` (eq. 2), or ``'heatmap'``: H alone as a gray image (the ablation of Table 4a).
        alpha: weight of the background: 0 is eq. 2; the authors' code starts from 0.5.
        learn_alpha: train alpha, as the authors' code.
        freeze_image: freeze the image tower (section 4); its projection is trained.
        data_preprocessor: with the mean and std of the image tower.
        init_cfg: as for MMEngine's ``BaseModel``.

    Raises:
        ValueError: unknown arguments; a sample without text or, where ROI is used, without heatmap.
    """

    def __init__(
        self,
        backbone: dict,
        in_channels: int,
        text_encoder: dict,
        embed_dims: int = 512,
        loss_terms: Sequence[str] = ('image-text', 'roi-text'),
        loss: Optional[dict] = None,
        roi_tower: str = 'shared',
        roi_input: str = 'masked',
        alpha: float = 0.0,
        learn_alpha: bool = False,
        freeze_image: bool = True,
        data_preprocessor: Union[dict, nn.Module, None] = None,
        init_cfg: Optional[dict] = None,
    ):
        super().__init__(data_preprocessor, init_cfg)
        _check(loss_terms, roi_tower, roi_input, alpha, learn_alpha)
        self.loss_terms = tuple(loss_terms)
        self.roi_input = roi_input
        self.backbone = MODELS.build(backbone)
        self.projection = nn.Linear(in_channels, embed_dims)
        self.text_encoder = MODELS.build(text_encoder)
        self.text_projection = nn.Linear(self.text_encoder.embed_dims, embed_dims)
        self.uses_roi = any(term.startswith('roi') for term in loss_terms)
        self.roi_backbone = self.roi_projection = None
        if self.uses_roi and roi_tower == 'own':
            self.roi_backbone = MODELS.build(copy.deepcopy(backbone))
            self.roi_projection = nn.Linear(in_channels, embed_dims)
        if self.uses_roi and learn_alpha:
            self.alpha = nn.Parameter(torch.tensor(float(alpha)))
        else:
            self.register_buffer('alpha', torch.tensor(float(alpha)), persistent=False)
        if freeze_image:
            freeze(self.backbone)
        self.nt_xent = MODELS.build(dict(type='NTXentLoss') if loss is None else loss)

    def embed_images(self, inputs: Tensor) -> Tensor:
        """``[B, 3, H, W]``, normalized -> ``[B, D]``."""
        return self.projection(pooled(self.backbone(inputs)))

    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """N texts -> ``[N, D]``."""
        return self.text_projection(self.text_encoder(texts))

    def loss(self, inputs: Tensor, data_samples: List[PoseDataSample]) -> Dict[str, Tensor]:
        """``loss_image_text`` and so on, one for each term, and ``acc_image_text``, the share of images whose own
        text is the closest of the batch.

        Args:
            inputs: ``[B, 3, H, W]``, normalized.
            data_samples: B samples with ``text``, and ``gt_focus`` if ROI is used.
        """
        texts = [sample.get('text', '') for sample in data_samples]
        if not all(text.strip() for text in texts):
            lacking = data_samples[[bool(text.strip()) for text in texts].index(False)]
            raise ValueError(
                f'{lacking.get("img_path", "a sample")} has no text: add SampleDescription and '
                'PackFocusInputs to the pipeline.'
            )
        embeddings = dict(text=self.embed_texts(texts), **self._embed_views(inputs, data_samples))
        losses = {}
        for term in self.loss_terms:
            first, second = term.split('-')
            losses[f'loss_{first}_{second}'] = self.nt_xent(embeddings[first], embeddings[second])
        with torch.no_grad():
            cosines = (
                nn.functional.normalize(embeddings['image'].float(), dim=1)
                @ nn.functional.normalize(embeddings['text'].float(), dim=1).t()
            )
            own = torch.arange(len(cosines), device=cosines.device)
            losses['acc_image_text'] = (cosines.argmax(dim=1) == own).float().mean()
        return losses

    def _embed_views(self, inputs: Tensor, data_samples: List[PoseDataSample]) -> Dict[str, Tensor]:
        if not self.uses_roi:
            return dict(image=self.embed_images(inputs))
        focused = self._focused(inputs, data_samples)
        if self.roi_backbone is not None:
            roi = self.roi_projection(pooled(self.roi_backbone(focused)))
            return dict(image=self.embed_images(inputs), roi=roi)
        image, roi = self.embed_images(torch.cat([inputs, focused])).chunk(2)
        return dict(image=image, roi=roi)

    def _focused(self, inputs: Tensor, data_samples: List[PoseDataSample]) -> Tensor:
        """What the ROI branch sees, normalized ``[B, 3, H, W]``."""
        if not all('gt_focus' in sample for sample in data_samples):
            raise ValueError(
                f'loss_terms={self.loss_terms} need focus heatmaps: add GenerateFocusHeatmap and '
                "PackFocusInputs to the pipeline, or use loss_terms=['image-text']."
            )
        heatmaps = torch.stack([sample.gt_focus.heatmap for sample in data_samples]).to(inputs)
        if heatmaps.shape[2:] != inputs.shape[2:]:
            raise ValueError(f'heatmaps of {tuple(heatmaps.shape[2:])} pixels, images of {tuple(inputs.shape[2:])}.')
        mean, std = self._normalization(inputs)
        if self.roi_input == 'heatmap':
            return (255 * heatmaps - mean) / std
        weights = self.alpha + heatmaps * (1 - self.alpha)
        return inputs * weights - (1 - weights) * mean / std

    def _normalization(self, inputs: Tensor) -> List[Tensor]:
        """Mean and std of pixel values, as the preprocessor uses them."""
        if not getattr(self.data_preprocessor, '_enable_normalize', False):
            return [inputs.new_zeros(1), inputs.new_ones(1)]
        return [getattr(self.data_preprocessor, name).to(inputs) for name in ('mean', 'std')]


def pooled(outputs: Sequence[Tensor]) -> Tensor:
    """A tower's last output as ``[B, C]``; a map is averaged."""
    last = outputs[-1]
    return last if last.ndim == 2 else last.mean(dim=(2, 3))


def _check(loss_terms: Sequence[str], roi_tower: str, roi_input: str, alpha: float, learn_alpha: bool) -> None:
    if not loss_terms or len(set(loss_terms)) < len(loss_terms) or not set(loss_terms) <= set(TERMS):
        raise ValueError(f'loss_terms must be one or more of {TERMS}, each once; got {list(loss_terms)}.')
    check_choice('roi_tower', roi_tower, ROI_TOWERS)
    check_choice('roi_input', roi_input, ROI_INPUTS)
    if 'image-text' not in loss_terms and (roi_tower == 'own' or 'roi-text' not in loss_terms):
        raise ValueError(
            f'loss_terms={list(loss_terms)} with roi_tower={roi_tower!r} leave a tower untrained which '
            "tests use: add 'image-text'."
        )
    if learn_alpha and roi_input == 'heatmap':
        raise ValueError("learn_alpha has nothing to learn from with roi_input='heatmap', which has no background.")
    if not 0 <= alpha <= 1:
        raise ValueError(f'alpha must be from 0 to 1, got {alpha}.')
