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

from clamp_mmpose.language.keypoint_names import keypoint_names
from clamp_mmpose.language.text_queries import TextQueries
from clamp_mmpose.models.layers.sine_encoding import cell_centers, sine_encoding
from clamp_mmpose.models.text_encoders.text_embeddings import TextEmbeddings
from clamp_mmpose.models.utils.initialize import xavier_uniform_weights
from clamp_mmpose.models.utils.query_samples import mirror_weights, sample_labels, sample_queries
from clamp_mmpose.models.utils.sub_layers import SubLayer, build_sub_layer
from clamp_mmpose.utils.calibration import calibrated

# the layers of CapeX
LAYERS = dict(joint_encoder='JointEncoder', proposal='SimilarityProposal', graph_decoder='GraphDecoder')


class QueryPredictions(NamedTuple):
    """Predicted positions; K is the largest number of queries in the batch, and rows beyond an image's own are padding.

    ``similarity [B, K, h, w]`` are logits; ``points``, each ``[B, K, 2]``, are (x, y) as fractions of the network
    input: the proposal, then the output of each decoder layer.
    """

    similarity: Tensor
    points: List[Tensor]


@MODELS.register_module()
class TextQueryHead(BaseHead):
    """Finds keypoints named in text (CapeX, Rusanovsky et al. 2024; GraphCAPE, Hirschorn and Avidan 2024).

    Each sample has its own queries (see :class:`TextQueries` and :class:`GetTextQueries`), any number of them. A joint
    encoder attends over image and texts, their similarity gives each text a first position, and a decoder refines it
    layer by layer.

    Each layer is a config, in which ``type`` names another one registered in ``MODELS``, or that type alone.

    Shapes: B images, K queries, C channels of the last feature map, h x w its cells.

    Args:
        in_channels: C.
        text_encoder: config of :class:`CLIPTextEncoder` or :class:`HFTextEncoder`.
        decoder: config of the codec, ``RegressionLabel``; ``input_size`` (w, h) is the network input's.
        names: the queries of samples that have none, as for :func:`keypoint_names`.
        width, num_heads, feedforward, encoder_layers, decoder_layers, dropout: of the transformers.
        graph: convolve over the skeleton (GraphCAPE); False: skeletons are ignored.
        sigma: of the target heatmaps, in pixels of the network input (published: 2 of 64, at 256 pixels).
        heatmap_weight: of ``loss_heatmap``.
        joint_encoder: built with ``width``, ``num_heads``, ``feedforward``, ``dropout`` and ``num_layers``, the
            encoder's; see :class:`JointEncoder`.
        proposal: built with ``width``; see :class:`SimilarityProposal`.
        graph_decoder: built as the joint encoder, with the decoder's layers, and with ``graph``; see
            :class:`GraphDecoder`.

    Raises:
        ValueError: samples without texts, texts and labels that differ in number, or a feature map of other channels.
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
        """The queries of each sample, else those of the head's names."""
        return sample_queries(batch_data_samples, batch_size, self.default_queries)

    def forward(self, feats: Tuple[Tensor, ...], queries: Optional[Sequence[TextQueries]] = None) -> QueryPredictions:
        """Backbone features and the queries of each image (None: the head's names) -> predictions."""
        queries = queries or self.queries(None, len(feats[0]))
        texts, padding = self.embed([query.texts for query in queries])
        adjacency = _adjacency([query.skeleton_links for query in queries], texts) if self.graph else None
        return self.locate(feats, texts, padding, adjacency)

    def locate(
        self, feats: Tuple[Tensor, ...], texts: Tensor, padding: Optional[Tensor], adjacency: Optional[Tensor]
    ) -> QueryPredictions:
        """Backbone features, texts and their padding from :meth:`embed` -> predictions.

        ``adjacency [B, K, K]`` has rows that sum to 1, or to 0 for a keypoint without links; None: no skeletons.
        """
        feature_map = feats[-1] if feats[-1].ndim == 4 else feats[0]  # CLIP towers may add their global embedding
        if feature_map.shape[1] != self.in_channels:
            raise ValueError(
                f'the feature map has {feature_map.shape[1]} channels, the head in_channels='
                f'{self.in_channels}: set in_channels to those of the backbone.'
            )
        size = feature_map.shape[2], feature_map.shape[3]
        centers = cell_centers(size, self.decoder.input_size, feature_map.device)
        image = self.image_projection(feature_map).flatten(2).transpose(1, 2)
        positions = sine_encoding(centers, image.shape[2])
        image, texts = self.joint_encoder(image, positions, texts, padding)
        similarity, proposal, start = self.proposal(image, texts, size, centers)
        return QueryPredictions(
            similarity, [proposal, *self.graph_decoder(texts, start, image, positions, padding, adjacency)]
        )

    def embed(self, texts: Sequence[Sequence[str]]) -> Tuple[Tensor, Optional[Tensor]]:
        """Texts of each image -> ``[B, K, width]``, and the padding ``[B, K]`` (True: no text; None: no padding)."""
        distinct = {text: i for i, text in enumerate(dict.fromkeys(chain(*texts)))}
        longest = max(map(len, texts))
        rows = [[distinct[text] for text in own] + [0] * (longest - len(own)) for own in texts]
        device = self.image_projection.weight.device
        embedded = self.text_projection(self.text_encoder(list(distinct)))[torch.tensor(rows, device=device)]
        counts = [len(own) for own in texts]
        if min(counts) == longest:
            return embedded, None
        return embedded, torch.arange(longest, device=device) >= torch.tensor(counts, device=device)[:, None]

    def score_map(self, feats: Tuple[Tensor, ...], queries: Optional[Sequence[TextQueries]] = None) -> Tensor:
        """Similarity of each cell with each text, ``[B, K, h, w]``, 0 to 1."""
        return self.forward(feats, queries).similarity.sigmoid()

    def predict(
        self, feats: Features, batch_data_samples: SampleList, test_cfg: Optional[ConfigType] = None
    ) -> Predictions:
        """One keypoint for each text of a sample, (x, y) in pixels of the network input.

        The score of a keypoint is the maximum of its similarity, 0 to 1, calibrated by ``test_cfg['temperature']`` (1:
        unchanged). ``test_cfg['output_score_maps']`` adds ``score_maps [K, h, w]`` to the fields.
        """
        test_cfg = test_cfg or {}
        queries = self.queries(batch_data_samples, len(batch_data_samples))
        views = cast(Sequence[Tuple[Tensor, ...]], feats if test_cfg.get('flip_test', False) else [feats])
        predictions = [self.forward(view, queries) for view in views]  # of the image and its mirror image
        points = [prediction.points[-1].float() for prediction in predictions]
        maps = [prediction.similarity.sigmoid() for prediction in predictions]
        instances, fields = [], []
        for b, query in enumerate(queries):
            number = len(query.keypoint_names)
            position, score_map = points[0][b : b + 1, :number], maps[0][b, :number]
            if len(predictions) == 2:
                partners = list(query.flip_indices)
                weight = position.new_tensor(mirror_weights(query))
                mirrored = flip_coordinates(
                    points[1][b : b + 1, :number].clone(), partners, True, self.decoder.input_size
                )
                position = torch.lerp(position, mirrored, weight[:, None])
                score_map = torch.lerp(score_map, maps[1][b, :number].flip(-1)[partners], weight[:, None, None])
            keypoints, _ = self.decoder.decode(to_numpy(position))
            scores = calibrated(to_numpy(score_map.amax((1, 2))[None]), test_cfg.get('temperature', 1.0))
            instances.append(InstanceData(keypoints=keypoints, keypoint_scores=scores))
            fields.append(PixelData(score_maps=score_map.float()))
        return (instances, fields) if test_cfg.get('output_score_maps', False) else instances

    def loss(
        self, feats: Tuple[Tensor, ...], batch_data_samples: SampleList, train_cfg: Optional[ConfigType] = None
    ) -> dict:
        """``loss_heatmap``, ``loss_proposal``, ``loss_layer0`` ...; and ``acc_pose``.

        Each is averaged over an instance's labeled keypoints, then over the instances with any, so that an instance
        with 68 keypoints weighs as much as one with 8. If the data say that hidden keypoints are absent, their score
        maps are trained to zero.

        Raises:
            ValueError: a sample has no labels, or not one text for each keypoint.
        """
        queries = self.queries(batch_data_samples, len(batch_data_samples))
        predictions = self.forward(feats, queries)
        targets, weights, heatmap_weights = self._labels(batch_data_samples, queries, predictions.points[0])
        maps = predictions.similarity.sigmoid()
        heatmaps = self._heatmaps(targets, weights, (maps.shape[2], maps.shape[3]))
        losses = dict(
            loss_heatmap=self.heatmap_weight
            * _mean(F.mse_loss(maps, heatmaps, reduction='none').mean(dim=(2, 3)), heatmap_weights)
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
        """Targets ``[B, K, 2]``, their weights and the weights of their heatmaps ``[B, K]``; padding has weight 0."""
        targets, weights, heatmap_weights = (
            like.new_zeros(shape, dtype=torch.float32) for shape in (like.shape, like.shape[:2], like.shape[:2])
        )
        for b, (sample, query) in enumerate(zip(samples, queries)):
            number = len(query.keypoint_names)
            targets[b, :number], weights[b, :number] = sample_labels(sample, query, 'RegressionLabel')
            heatmap_weights[b, :number] = 1.0 if sample.get('hidden_is_absent') else weights[b, :number]
        return targets, weights, heatmap_weights

    def _heatmaps(self, targets: Tensor, weights: Tensor, size: Tuple[int, int]) -> Tensor:
        """Gaussians ``[B, K, h, w]`` at the cell centers, scaled to 1 at the nearest; zero where not labeled."""
        centers = cell_centers(size, self.decoder.input_size, targets.device)
        pixels = targets.new_tensor(self.decoder.input_size)
        exponent = -((centers - targets[:, :, None]) * pixels).square().sum(dim=-1) / (2 * self.sigma**2)
        # cells are larger than sigma: without this scaling most maps would be almost zero
        heatmaps = (exponent - exponent.amax(dim=-1, keepdim=True)).exp() * (weights > 0)[..., None]
        return heatmaps.unflatten(2, tuple(size))


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean of ``[B, K]`` over each instance, then the mean over all processes' instances with any weight."""
    count = weights.sum(dim=1)
    instances = (count > 0).sum().to(values.dtype)
    all_reduce(instances)
    each = (values * weights).sum(dim=1) / count.clamp(min=1e-6)
    return each.sum() * get_world_size() / instances.clamp(min=1)


def joined(links: Sequence[Sequence[Tuple[int, int]]], queries: Tensor) -> Tensor:
    """Which keypoints the skeletons join, ``[B, K, K]``, 0 or 1; queries are ``[B, K, width]``."""
    linked = [(b, i, j) for b, pairs in enumerate(links) for pair in pairs for i, j in (pair, pair[::-1])]
    matrix = queries.new_zeros(len(queries), queries.shape[1], queries.shape[1])
    if linked:
        matrix[tuple(torch.tensor(linked, device=queries.device).t())] = 1.0
    return matrix


def normalized(matrix: Tensor) -> Tensor:
    """Adjacency ``[..., K, K]`` of 0 and 1 -> the neighbors of a keypoint have equal weights that sum to 1."""
    return matrix / matrix.sum(dim=-1, keepdim=True).clamp(min=1)


def _adjacency(links: Sequence[Sequence[Tuple[int, int]]], queries: Tensor) -> Tensor:
    """Adjacency of the skeletons ``[B, K, K]``."""
    return normalized(joined(links, queries))
