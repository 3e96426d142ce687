from itertools import chain
from typing import List, NamedTuple, Optional, Sequence, Tuple, Union, cast

import torch
import torch.nn.functional as F
from mmengine.dist import all_reduce, get_world_size
from mmengine.structures import InstanceData, PixelData
from mmpose.models.heads.base_head import BaseHead
from mmpose.models.utils.tta import flip_coordinates
from mmpose.registry import KEYPOINT_CODECS, MODELS
from mmpose.utils.tensor_utils import to_numpy
from mmpose.utils.typing import ConfigType, Features, OptConfigType, OptSampleList, Predictions, SampleList
from torch import Tensor, nn

from clamp_mmpose.language.keypoint_names import is_sided, keypoint_names
from clamp_mmpose.language.text_queries import TextQueries
from clamp_mmpose.models.layers.sine_encoding import cell_centers, sine_encoding
from clamp_mmpose.models.text_encoders.text_embeddings import TextEmbeddings
from clamp_mmpose.models.utils.initialize import xavier_uniform_weights
from clamp_mmpose.models.utils.sub_layers import SubLayer, build_sub_layer

# the layers of CapeX
LAYERS = dict(joint_encoder='JointEncoder', proposal='SimilarityProposal', graph_decoder='GraphDecoder')


class QueryPredictions(NamedTuple):
    """Where the queries were found; K is the largest K_b, rows beyond an image's own mean nothing.

    ``similarity [B, K, h, w]`` are logits; ``points``, each ``[B, K, 2]``, are (x, y) as shares of the network input:
    the proposal and what each decoder layer made of it.
    """

    similarity: Tensor
    points: List[Tensor]


@MODELS.register_module()
class TextQueryHead(BaseHead):
    """Finds keypoints that are named in words (CapeX, Rusanovsky et al. 2024; GraphCAPE, Hirschorn and Avidan 2024).

    Every sample brings its own queries (see :class:`TextQueries` and :class:`GetTextQueries`), any number of them. A
    joint encoder reads image and texts, similarity proposes a place for each text, and a decoder moves it layer by
    layer.

    Each layer is a config, in which ``type`` names another one registered in ``MODELS``, or that type alone.

    Shapes: B images, K queries, C channels of the last feature map, h x w its cells.

    Args:
        in_channels: C.
        text_encoder: config of :class:`CLIPTextEncoder` or :class:`HFTextEncoder`.
        decoder: config of the codec, ``RegressionLabel``; ``input_size`` (w, h) is the network input's.
        names: the texts of samples that bring none, as for :func:`keypoint_names`.
        width, num_heads, feedforward, encoder_layers, decoder_layers, dropout: of the transformers.
        graph: convolve over the skeleton (GraphCAPE); without, skeletons are not used.
        sigma: of the target heatmaps, in pixels of the network input (published: 2 of 64, at 256 pixels).
        heatmap_weight: of ``loss_heatmap``.
        joint_encoder: built with ``width``, ``num_heads``, ``feedforward``, ``dropout`` and ``num_layers``, the
            encoder's; see :class:`JointEncoder`.
        proposal: built with ``width``; see :class:`SimilarityProposal`.
        graph_decoder: built as the joint encoder, with the decoder's layers, and with ``graph``; see
            :class:`GraphDecoder`.

    Raises:
        ValueError: samples without texts, texts and labels that differ in number, another feature map than announced.
    """

    def __init__(
        self,
        in_channels: int,
        text_encoder: ConfigType,
        decoder: ConfigType,
        names: Union[str, dict, Sequence[str], None] = None,
        width: int = 256,
        num_heads: int = 8,
        feedforward: int = 768,
        encoder_layers: int = 3,
        decoder_layers: int = 3,
        dropout: float = 0.1,
        graph: bool = True,
        sigma: float = 8.0,
        heatmap_weight: float = 2.0,
        joint_encoder: SubLayer = LAYERS['joint_encoder'],
        proposal: SubLayer = LAYERS['proposal'],
        graph_decoder: SubLayer = LAYERS['graph_decoder'],
        init_cfg: OptConfigType = None,
    ):
        super().__init__(init_cfg)
        if width % 4 or width % num_heads:
            raise ValueError(f'width={width} must be a multiple of 4 and of num_heads={num_heads}.')
        self.in_channels = in_channels
        self.graph = graph
        self.sigma = sigma
        self.heatmap_weight = heatmap_weight
        self.decoder = KEYPOINT_CODECS.build(decoder)
        self.names = [] if names is None else keypoint_names(names)
        self.default_queries = TextQueries.create(self.names) if self.names else None
        self.text_encoder = TextEmbeddings(MODELS.build(text_encoder))
        self.image_projection = nn.Conv2d(in_channels, width, 1)
        self.text_projection = nn.Sequential(
            nn.LayerNorm(self.text_encoder.embed_dims), nn.Linear(self.text_encoder.embed_dims, width)
        )
        sizes = dict(width=width, num_heads=num_heads, feedforward=feedforward, dropout=dropout)
        self.joint_encoder = build_sub_layer(joint_encoder, LAYERS['joint_encoder'], num_layers=encoder_layers, **sizes)
        self.proposal = build_sub_layer(proposal, LAYERS['proposal'], width=width)
        self.graph_decoder = build_sub_layer(
            graph_decoder, LAYERS['graph_decoder'], num_layers=decoder_layers, graph=graph, **sizes
        )
        xavier_uniform_weights(self.image_projection)
        xavier_uniform_weights(self.text_projection)

    def queries(self, batch_data_samples: OptSampleList, batch_size: int) -> List[TextQueries]:
        """What each sample asks for, or the head's own names."""
        if batch_data_samples is None or not any('keypoint_names' in sample for sample in batch_data_samples):
            if self.default_queries is None:
                raise ValueError(
                    'the samples bring no keypoint_names and the head has no names: add GetTextQueries to the '
                    'pipeline, or set names= on the head.'
                )
            return [self.default_queries] * batch_size
        for sample in batch_data_samples:
            if not sample.get('keypoint_names'):
                raise ValueError(
                    f'sample {sample.get("id", "")} of {sample.get("img_path", "an image")} asks for no '
                    'keypoint: give at least one name.'
                )
        return [TextQueries.of_sample(sample) for sample in batch_data_samples]

    def forward(self, feats: Tuple[Tensor, ...], queries: Optional[Sequence[TextQueries]] = None) -> QueryPredictions:
        """Features of the backbone and what to look for in each image (None: the head's names)."""
        feature_map = feats[-1] if feats[-1].ndim == 4 else feats[0]  # CLIP towers may add their global embedding
        if feature_map.shape[1] != self.in_channels:
            raise ValueError(
                f'the feature map has {feature_map.shape[1]} channels, the head in_channels='
                f'{self.in_channels}: give it those of the backbone.'
            )
        queries = queries or self.queries(None, len(feature_map))
        texts, padding = self.embed([query.texts for query in queries])
        size = feature_map.shape[2], feature_map.shape[3]
        centers = cell_centers(size, self.decoder.input_size, feature_map.device)
        image = self.image_projection(feature_map).flatten(2).transpose(1, 2)
        positions = sine_encoding(centers, image.shape[2])
        image, texts = self.joint_encoder(image, positions, texts, padding)
        similarity, proposal, start = self.proposal(image, texts, size, centers)
        adjacency = _adjacency([query.skeleton_links for query in queries], texts) if self.graph else None
        return QueryPredictions(
            similarity, [proposal, *self.graph_decoder(texts, start, image, positions, padding, adjacency)]
        )

    def embed(self, texts: Sequence[Sequence[str]]) -> Tuple[Tensor, Optional[Tensor]]:
        """Texts of each image -> ``[B, K, width]``, and where there is none ``[B, K]`` (None: everywhere is one)."""
        distinct = {text: i for i, text in enumerate(dict.fromkeys(chain(*texts)))}
        longest = max(map(len, texts))
        rows = [[distinct[text] for text in line] + [0] * (longest - len(line)) for line in texts]
        device = self.image_projection.weight.device
        embedded = self.text_projection(self.text_encoder(list(distinct)))[torch.tensor(rows, device=device)]
        counts = [len(line) for line in texts]
        if min(counts) == longest:
            return embedded, None
        return embedded, torch.arange(longest, device=device) >= torch.tensor(counts, device=device)[:, None]

    def score_map(self, feats: Tuple[Tensor, ...], queries: Optional[Sequence[TextQueries]] = None) -> Tensor:
        """How much each cell looks like each text, ``[B, K, h, w]``, 0 to 1."""
        return self.forward(feats, queries).similarity.sigmoid()

    def predict(
        self, feats: Features, batch_data_samples: SampleList, test_cfg: Optional[ConfigType] = None
    ) -> Predictions:
        """Keypoints of each sample, in pixels of the network input, as many as it has texts.

        The score of a keypoint is its confidence: the greatest similarity, 0 to 1. ``test_cfg['output_score_maps']``
        adds ``score_maps [K, h, w]`` to the fields.
        """
        test_cfg = test_cfg or {}
        queries = self.queries(batch_data_samples, len(batch_data_samples))
        views = cast(Sequence[Tuple[Tensor, ...]], feats if test_cfg.get('flip_test', False) else [feats])
        predictions = [self.forward(view, queries) for view in views]  # of the image, and of its mirror image
        points = [prediction.points[-1].float() for prediction in predictions]
        maps = [prediction.similarity.sigmoid() for prediction in predictions]
        instances, fields = [], []
        for b, query in enumerate(queries):
            number = len(query.keypoint_names)
            place, score_map = points[0][b : b + 1, :number], maps[0][b, :number]
            if len(predictions) == 2:
                partners = list(query.flip_indices)
                share = place.new_tensor(_mirror_share(query))
                turned = flip_coordinates(
                    points[1][b : b + 1, :number].clone(), partners, True, self.decoder.input_size
                )
                place = torch.lerp(place, turned, share[:, None])
                score_map = torch.lerp(score_map, maps[1][b, :number].flip(-1)[partners], share[:, None, None])
            keypoints, _ = self.decoder.decode(to_numpy(place))
            instances.append(InstanceData(keypoints=keypoints, keypoint_scores=to_numpy(score_map.amax((1, 2))[None])))
            fields.append(PixelData(score_maps=score_map.float()))
        return (instances, fields) if test_cfg.get('output_score_maps', False) else instances

    def loss(
        self, feats: Tuple[Tensor, ...], batch_data_samples: SampleList, train_cfg: Optional[ConfigType] = None
    ) -> dict:
        """``loss_heatmap``, ``loss_proposal``, ``loss_layer0`` ...; and ``acc_pose``.

        Each is averaged over an instance's labeled keypoints, then over the instances that have some, so that one with
        68 keypoints weighs as much as one with 8. Where the data say that a hidden keypoint is absent, its map is
        trained to zero.

        Raises:
            ValueError: a sample has another number of texts than of keypoints.
        """
        queries = self.queries(batch_data_samples, len(batch_data_samples))
        predictions = self.forward(feats, queries)
        targets, weights, asked = self._labels(batch_data_samples, queries, predictions.points[0])
        maps = predictions.similarity.sigmoid()
        heatmaps = self._heatmaps(targets, weights, (maps.shape[2], maps.shape[3]))
        losses = dict(
            loss_heatmap=self.heatmap_weight
            * _mean(F.mse_loss(maps, heatmaps, reduction='none').mean(dim=(2, 3)), asked)
        )
        for name, points in zip(
            ('proposal', *(f'layer{i}' for i in range(len(predictions.points)))), predictions.points
        ):
            losses[f'loss_{name}'] = _mean((points - targets).abs().sum(dim=-1), weights)
        near = (predictions.points[-1].detach() - targets).norm(dim=-1) < 0.05  # 5 % of the input, as MMPose's heads
        losses['acc_pose'] = _mean(near.float(), weights)
        return losses

    def _labels(
        self, samples: SampleList, queries: Sequence[TextQueries], like: Tensor
    ) -> Tuple[Tensor, Tensor, Tensor]:
        """Targets ``[B, K, 2]``, their weights ``[B, K]``, and those of their heatmaps, padded with weight 0."""
        targets, weights, asked = (
            like.new_zeros(shape, dtype=torch.float32) for shape in (like.shape, like.shape[:2], like.shape[:2])
        )
        for b, (sample, query) in enumerate(zip(samples, queries)):
            number = len(query.keypoint_names)
            labels = sample.get('gt_instance_labels', {})
            if 'keypoint_labels' not in labels:
                raise ValueError(
                    f'sample {sample.get("id", "")} has no keypoint_labels: let the pipeline for training '
                    'hold GenerateTarget(encoder=dict(type="RegressionLabel", ...)).'
                )
            if labels.keypoint_labels.shape[1] != number:
                raise ValueError(
                    f'sample {sample.get("id", "")} has {labels.keypoint_labels.shape[1]} keypoints and {number} names '
                    f'({query.keypoint_names[0]!r} ... {query.keypoint_names[-1]!r}): they must be as many.'
                )
            targets[b, :number] = labels.keypoint_labels[0]
            weights[b, :number] = labels.keypoint_weights[0]
            asked[b, :number] = 1.0 if sample.get('hidden_is_absent') else labels.keypoint_weights[0]
        return targets, weights, asked

    def _heatmaps(self, targets: Tensor, weights: Tensor, size: Tuple[int, int]) -> Tensor:
        """Gaussians ``[B, K, h, w]`` at the cells' centers, 1 at the nearest; zero where not labeled."""
        centers = cell_centers(size, self.decoder.input_size, targets.device)
        pixels = targets.new_tensor(self.decoder.input_size)
        exponent = -((centers - targets[:, :, None]) * pixels).square().sum(dim=-1) / (2 * self.sigma**2)
        # the cells are larger than sigma: without raising the nearest to 1, most maps would be nearly empty
        heatmaps = (exponent - exponent.amax(dim=-1, keepdim=True)).exp() * (weights > 0)[..., None]
        return heatmaps.unflatten(2, tuple(size))


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    """Mean of ``[B, K]`` over each instance's weighted keypoints, then over all processes' instances that have some."""
    count = weights.sum(dim=1)
    instances = (count > 0).sum().to(values.dtype)
    all_reduce(instances)
    each = (values * weights).sum(dim=1) / count.clamp(min=1e-6)
    return each.sum() * get_world_size() / instances.clamp(min=1)


def _adjacency(links: Sequence[Sequence[Tuple[int, int]]], queries: Tensor) -> Tensor:
    """Each keypoint's neighbours on the skeleton, sharing a weight of 1: ``[B, K, K]``."""
    linked = [(b, i, j) for b, pairs in enumerate(links) for pair in pairs for i, j in (pair, pair[::-1])]
    adjacency = queries.new_zeros(len(queries), queries.shape[1], queries.shape[1])
    if linked:
        adjacency[tuple(torch.tensor(linked, device=queries.device).t())] = 1.0
    return adjacency / adjacency.sum(dim=-1, keepdim=True).clamp(min=1)


def _mirror_share(query: TextQueries) -> List[float]:
    """The weight of the mirrored image for each keypoint: half, or none where one side is asked for without the other,
    whose place the mirror would give.
    """
    return [
        0.0 if partner == i and is_sided(name) else 0.5
        for i, (name, partner) in enumerate(zip(query.keypoint_names, query.flip_indices))
    ]
