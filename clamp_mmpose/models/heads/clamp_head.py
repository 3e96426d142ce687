from typing import Any, Dict, List, Optional, Sequence, Tuple, Union, cast

import torch
import torch.nn.functional as F
from mmengine.structures import PixelData
from mmpose.models.heads import HeatmapHead
from mmpose.models.utils.tta import flip_heatmaps
from mmpose.registry import MODELS
from mmpose.utils.typing import ConfigType, Features, OptConfigType, Predictions, SampleList
from torch import Tensor, nn

from clamp_mmpose.language.keypoint_names import keypoint_names
from clamp_mmpose.models.layers.feature_sampling import sample_features
from clamp_mmpose.models.utils.cached import Cached
from clamp_mmpose.models.utils.heatmaps import peak_accuracy, peaks
from clamp_mmpose.models.utils.sub_layers import SubLayer, build_sub_layer
from clamp_mmpose.utils.calibration import calibrated

from .clamp_arguments import PAPER, check_prompts

Embeddings = Tuple[Tensor, Tensor, Tensor]


@MODELS.register_module()
class CLAMPHead(Cached, HeatmapHead):
    """Heatmap head that reads keypoint names (CLAMP, Zhang et al. 2023).

    The predictor on the fused features is the stock :class:`HeatmapHead`, whose further arguments are passed on. Each
    sub-layer is a config, in which ``type`` names another one registered in ``MODELS``, or that type alone; None leaves
    it out (Table 6). Without these arguments the head is the paper's full CLAMP.

    Shapes: B images, K keypoints, C channels of the feature map, D the width of the shared image-text space, h x w
    cells of the feature map, H x W of the heatmap.

    Args:
        in_channels: C.
        names: the keypoints to prompt for: a data set type, its metainfo, or K names; see :func:`keypoint_names`.
        text_encoder: config of a text encoder such as :class:`CLIPTextEncoder`.
        prompts: ``'text'``: learned contexts and names through the text encoder (eq. 2); ``'matrix'``: a trainable
            ``[K, D]`` in place of E_prompt and without cross-attention (Table 8); ``'baked'``: a fixed ``[K, D]``,
            written by ``tools/export.py``.
        prompt_learner: built with ``names`` and ``text_encoder``; see :class:`PromptLearner`.
        prompt_encoder: built with ``embed_dims``; prompts ``[K, D]`` in and out.
        cross_attention: built with ``embed_dims``; prompts ``[K, D]``, dense ``[B, D, h, w]`` and global ``[B, D]``
            embeddings in, prompts ``[B, K, D]`` out; see :class:`PromptCrossAttention`.
        spatial_loss: built with ``num_keypoints`` and ``num_stages``; see :class:`SpatialContrastiveLoss`.
        feature_loss: see :class:`FeatureContrastiveLoss`.
        project: for a backbone without image-text embeddings: a learned 1x1 convolution gives the dense embeddings,
            their mean the global one.
        deconv_out_channels, heatmap_head: as in :class:`HeatmapHead`.
        embed_dims: D; given only without a text encoder, which sets it otherwise.

    Raises:
        ValueError: invalid names, an argument that these prompts do not use, or backbone outputs that do not match
            the arguments.
    """

    baked_prompts: Tensor

    def __init__(
        self,
        in_channels: int,
        names: Union[str, dict, Sequence[str]],
        text_encoder: OptConfigType = None,
        prompts: str = 'text',
        prompt_learner: SubLayer = PAPER['prompt_learner'],
        prompt_encoder: Optional[SubLayer] = PAPER['prompt_encoder'],
        cross_attention: Optional[SubLayer] = PAPER['cross_attention'],
        spatial_loss: Optional[SubLayer] = PAPER['spatial_loss'],
        feature_loss: Optional[SubLayer] = PAPER['feature_loss'],
        project: bool = False,
        deconv_out_channels: Optional[Sequence[int]] = (256, 256, 256),
        embed_dims: Optional[int] = None,
        **heatmap_head: Any,
    ):
        if 'out_channels' in heatmap_head:
            raise ValueError(
                'out_channels follows from names: remove it; a config that inherits another head replaces it with '
                "head=dict(_delete_=True, type='CLAMPHead', ...)."
            )
        names = keypoint_names(names)
        super().__init__(in_channels + len(names), len(names), deconv_out_channels, **heatmap_head)
        self.map_channels = in_channels
        self.names = names
        self.prompts = prompts
        check_prompts(
            prompts,
            embed_dims,
            text_encoder=text_encoder,
            prompt_learner=prompt_learner,
            prompt_encoder=prompt_encoder,
            cross_attention=cross_attention,
        )
        if prompts == 'text':
            self.text_encoder = MODELS.build(cast(dict, text_encoder))
            embed_dims = self.text_encoder.embed_dims
        width = cast(int, embed_dims)
        if prompts == 'text':
            self.prompt_learner = build_sub_layer(
                prompt_learner, PAPER['prompt_learner'], names=names, text_encoder=self.text_encoder
            )
            self.prompt_encoder = build_sub_layer(prompt_encoder, PAPER['prompt_encoder'], embed_dims=width)
        elif prompts == 'matrix':
            self.prompt_matrix = nn.Parameter(torch.randn(len(names), width) * width**-0.5)
            cross_attention = None
        else:
            self.register_buffer('baked_prompts', torch.zeros(len(names), width))
        self.embed_dims = width
        self.cross_attention = build_sub_layer(cross_attention, PAPER['cross_attention'], embed_dims=width)
        self.projection = None
        if project:
            self.projection = nn.Conv2d(in_channels, width, 1)
            self.init_cfg = [*self.init_cfg, dict(type='Xavier', override=dict(name='projection'))]
        self.spatial_loss = build_sub_layer(
            spatial_loss, PAPER['spatial_loss'], num_keypoints=len(names), num_stages=len(deconv_out_channels or ())
        )
        self.feature_loss = build_sub_layer(feature_loss, PAPER['feature_loss'])

    def encode_prompts(self) -> Tensor:
        """The prompts before they are adapted to an image, ``[K, D]``."""
        if self.prompts == 'matrix':
            return self.prompt_matrix
        if self.prompts == 'baked':
            return self.baked_prompts
        prompts = self.text_encoder.encode(*self.prompt_learner(self.text_encoder))
        return prompts if self.prompt_encoder is None else self.prompt_encoder(prompts)

    def set_names(self, names: Union[str, dict, Sequence[str]]) -> None:
        """Prompt with other names for the same K keypoints."""
        names = keypoint_names(names)
        if len(names) != len(self.names) or self.prompts != 'text':
            raise ValueError(
                f'set_names needs prompts="text" and {len(self.names)} names; this head has prompts={self.prompts!r}, '
                f'got {len(names)} names.'
            )
        self.prompt_learner.set_names(names, self.text_encoder)
        self.names = names
        self.drop_cache()

    def embed(self, feats: Tuple[Tensor, ...]) -> Embeddings:
        """The feature map ``[B, C, h, w]`` with its dense ``[B, D, h, w]`` and global ``[B, D]`` embeddings."""
        if self.projection is not None:
            feature_map = self._checked_map(feats[-1])
            dense = self.projection(feature_map)
            return feature_map, dense, dense.mean(dim=(2, 3))
        if len(feats) != 3 or feats[2].ndim != 2:
            raise ValueError(
                'CLAMPHead needs (map, dense, global) from the backbone, which gave '
                f"{[tuple(feat.shape) for feat in feats]}: set out='embeddings' on a CLIP tower, or "
                'project=True on the head for any other backbone.'
            )
        feature_map, dense, global_ = feats
        if dense.shape[1] != self.embed_dims:
            raise ValueError(
                f'the backbone embeds into {dense.shape[1]} dimensions, the text encoder into '
                f'{self.embed_dims}: give both the same "arch".'
            )
        return self._checked_map(feature_map), dense, global_

    def _checked_map(self, feature_map: Tensor) -> Tensor:
        if feature_map.shape[1] != self.map_channels:
            raise ValueError(
                f'the feature map has {feature_map.shape[1]} channels, the head in_channels='
                f'{self.map_channels}: set in_channels to those of the backbone.'
            )
        return feature_map

    def _prepare_prompts(self) -> Tuple[Tensor, Dict[str, Any]]:
        """The encoded prompts, and what the cross attention computes from them alone, as its arguments."""
        prompts = self.encode_prompts()
        if self.training or not hasattr(self.cross_attention, 'prepare'):
            return prompts, {}
        return prompts, dict(prepared=self.cross_attention.prepare(prompts[None]))

    def adapt_prompts(self, dense: Tensor, global_: Tensor) -> Tuple[Tensor, Tensor]:
        """Adapt the prompts to the images and compare them with each cell (eq. 3-4).

        Returns:
            tuple: prompts ``[B, K, D]`` and score map ``[B, K, h, w]``, the cosine of each prompt with each cell.
        """
        prompts, prepared = self.cached('prompts', self._prepare_prompts)
        if self.cross_attention is None:
            prompts = prompts.expand(dense.shape[0], -1, -1)
        else:
            prompts = self.cross_attention(prompts, dense, global_, **prepared)
        cells = F.normalize(dense, dim=1).flatten(2).transpose(1, 2)
        scores = cells @ F.normalize(prompts, dim=-1).transpose(1, 2)
        # channels last in memory, like a transformer's feature map: the deconvolutions keep that layout
        score_map = scores.transpose(1, 2).reshape(dense.shape[0], -1, int(dense.shape[2]), int(dense.shape[3]))
        return prompts, score_map

    def fuse(self, feature_map: Tensor, score_map: Tensor) -> Tensor:
        """Heatmaps ``[B, K, H, W]`` from the feature map and the score map side by side (eq. 9)."""
        return super().forward((torch.cat([feature_map, score_map], dim=1),))

    def forward(self, feats: Tuple[Tensor, ...]) -> Tensor:
        """Features of the backbone -> heatmaps ``[B, K, H, W]``."""
        return self.heatmaps_and_score_maps(feats)[0]

    def heatmaps_and_score_maps(self, feats: Tuple[Tensor, ...]) -> Tuple[Tensor, Tensor]:
        """Features of the backbone -> heatmaps ``[B, K, H, W]`` and score maps ``[B, K, h, w]`` (eq. 4)."""
        feature_map, dense, global_ = self.embed(feats)
        _, score_map = self.adapt_prompts(dense, global_)
        return self.fuse(feature_map, score_map), score_map

    def score_map(self, feats: Tuple[Tensor, ...]) -> Tensor:
        """Features of the backbone -> score map ``[B, K, h, w]`` (eq. 4)."""
        return self.adapt_prompts(*self.embed(feats)[1:])[1]

    def keypoint_prompt_similarity(
        self, feats: Tuple[Tensor, ...], keypoints: Tensor, input_size: Tuple[int, int]
    ) -> Tensor:
        """Cosine of the feature at each keypoint with each prompt, M of eq. 7 (Fig. 3).

        Args:
            feats: features of the backbone.
            keypoints: ``[B, K, 2]``, (x, y) in pixels of the network input.
            input_size: (w, h) of the network input.

        Returns:
            Tensor: ``[B, K, K]``, keypoints by prompts.
        """
        _, dense, global_ = self.embed(feats)
        prompts, _ = self.adapt_prompts(dense, global_)
        features, _ = sample_features(dense.float(), keypoints.float(), input_size)
        return F.normalize(features, dim=-1) @ F.normalize(prompts.float(), dim=-1).transpose(1, 2)

    def decode(self, batch_outputs: Tensor) -> list:
        """See :class:`BaseHead`; in full precision, since NumPy has no bfloat16."""
        return super().decode(batch_outputs.float())

    def predict(
        self, feats: Features, batch_data_samples: SampleList, test_cfg: Optional[ConfigType] = None
    ) -> Predictions:
        """As :class:`HeatmapHead`; ``test_cfg['output_score_maps']`` adds ``score_maps [K, h, w]`` to the fields.

        ``test_cfg['temperature']`` calibrates the scores, the maxima of the heatmaps (1: unchanged).
        With a flip test, the score maps are those of the original image, not of the mirrored one.
        """
        test_cfg = test_cfg or {}
        views = cast(Sequence[Tuple[Tensor, ...]], feats if test_cfg.get('flip_test', False) else [feats])
        heatmaps, score_maps = self.heatmaps_and_score_maps(views[0])
        if len(views) == 2:  # the mirrored image
            flipped = flip_heatmaps(
                self.forward(views[1]),
                flip_mode=test_cfg.get('flip_mode', 'heatmap'),
                flip_indices=batch_data_samples[0].metainfo['flip_indices'],
                shift_heatmap=test_cfg.get('shift_heatmap', False),
            )
            heatmaps = (heatmaps + flipped) * 0.5
        instances = self.decode(heatmaps)
        for instance in instances:
            instance.keypoint_scores = calibrated(instance.keypoint_scores, test_cfg.get('temperature', 1.0))
        want_heatmaps, want_score_maps = (test_cfg.get(f'output_{kind}', False) for kind in ('heatmaps', 'score_maps'))
        if not (want_heatmaps or want_score_maps):
            return instances
        fields = []
        for heatmap, score_map in zip(heatmaps.detach(), score_maps.float()):
            field = PixelData(heatmaps=heatmap) if want_heatmaps else PixelData()
            if want_score_maps:
                # PixelData holds maps of one size only
                size = field.shape or score_map.shape[1:]
                field.score_maps = F.interpolate(score_map[None], size, mode='bilinear', align_corners=False)[0]
            fields.append(field)
        return instances, fields

    def loss(
        self, feats: Tuple[Tensor, ...], batch_data_samples: SampleList, train_cfg: Optional[ConfigType] = None
    ) -> dict:
        """Losses of eq. 10: ``loss_kpt``, ``loss_spatial``, ``loss_feature``; and ``acc_pose``.

        Raises:
            ValueError: the data and the head differ in the number of keypoints.
        """
        fields: List[Any] = [sample.gt_fields for sample in batch_data_samples]
        heatmaps = torch.stack([field.heatmaps for field in fields])
        weights = torch.cat([sample.gt_instance_labels.keypoint_weights for sample in batch_data_samples])
        if heatmaps.shape[1] != len(self.names):
            raise ValueError(
                f'the data have {heatmaps.shape[1]} keypoints, the head has {len(self.names)} names '
                f'({self.names[0]!r} ... {self.names[-1]!r}): set names= to the data set in use.'
            )
        feature_map, dense, global_ = self.embed(feats)
        prompts, score_map = self.adapt_prompts(dense, global_)
        predicted = self.fuse(feature_map, score_map)

        losses = dict(loss_kpt=self.loss_module(predicted, heatmaps, weights))
        if self.spatial_loss is not None:
            losses['loss_spatial'] = self.spatial_loss(score_map, heatmaps, weights)
        if self.feature_loss is not None:
            input_size = batch_data_samples[0].metainfo['input_size']
            labels = [sample.gt_instance_labels for sample in batch_data_samples]
            if 'keypoint_labels' in labels[0]:  # KeypointHeatmap gives the keypoints themselves
                keypoints = torch.cat([label.keypoint_labels for label in labels])
            else:
                keypoints = (
                    peaks(heatmaps) * heatmaps.new_tensor(input_size) / heatmaps.new_tensor(heatmaps.shape[:1:-1])
                )
            losses['loss_feature'] = self.feature_loss(dense, prompts, keypoints, weights, input_size)
        if (train_cfg or {}).get('compute_acc', True):
            losses['acc_pose'] = peak_accuracy(predicted.detach(), heatmaps, weights)
        return losses
