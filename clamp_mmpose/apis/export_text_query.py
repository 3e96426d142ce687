"""Exports a trained TextQueryHead to ONNX, with its texts baked in or as an input."""

import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import torch
from mmengine.config import Config
from mmpose.structures import PoseDataSample
from torch import Tensor, nn

from clamp_mmpose.language.category_queries import category_queries, find_category
from clamp_mmpose.language.keypoint_names import keypoint_names
from clamp_mmpose.language.text_queries import TextQueries
from clamp_mmpose.models.heads import TextQueryHead
from clamp_mmpose.models.heads.text_query_head import joined, normalized
from clamp_mmpose.utils.files import atomic_write, check_writable

from .dataset_meta import checked_dataset_meta, config_dataset_meta
from .export import metadata
from .onnx_file import run_onnx, write_onnx
from .trained_model import load_trained_model

TOLERANCE = 1e-4  # of the input's larger side, and of the scores, which are 0 to 1
BATCH_SIZES = (1, 2, 5)  # for which ONNX is compared with PyTorch
OTHER = TextQueries.create(['nose', 'left eye', 'right eye'])  # to compare with, if texts are an input


class TextQueryExport(NamedTuple):
    """What :func:`export_text_query` wrote.

    ``files`` are ``model.onnx`` and, if texts are an input, ``embeddings.npz``. ``differences`` are those between ONNX
    and PyTorch by batch size and number of keypoints, as fractions of the input's larger side, or of the scores where
    they differ more.
    """

    files: List[Path]
    differences: Dict[Tuple[int, int], float]


class QueryFunction(nn.Module):
    """A pose estimator as a plain function from an image to keypoints and scores.

    Args:
        model: with a :class:`TextQueryHead`.
        embeddings: of the texts, ``[K, D]``; None: an input.
        links: of their skeleton, ``[K, K]``, for a head that reads skeletons.
    """

    def __init__(self, model: nn.Module, embeddings: Optional[Tensor] = None, links: Optional[Tensor] = None):
        super().__init__()
        self.model = model
        self.register_buffer('embeddings', embeddings)
        self.register_buffer('links', links)
        self.register_buffer('size', torch.tensor(model.head.decoder.input_size, dtype=torch.float32))

    def forward(
        self, image: Tensor, embeddings: Optional[Tensor] = None, links: Optional[Tensor] = None
    ) -> Tuple[Tensor, Tensor]:
        """Normalized images ``[B, 3, H, W]`` -> keypoints ``[B, K, 2]``, pixels of the network input, and scores.

        Args:
            image: as above.
            embeddings: of the text encoder, ``[K, D]``.
            links: ``[K, K]``, 1 for two keypoints that the skeleton joins.
        """
        head: Any = self.model.head
        # shape[0], since len() makes the batch size a constant of the graph
        texts = head.text_projection(self.embeddings if embeddings is None else embeddings)
        matrix: Any = self.links if links is None else links
        adjacency = normalized(matrix)[None].expand(image.shape[0], -1, -1) if head.graph else None
        texts = texts[None].expand(image.shape[0], -1, -1)
        found = head.locate(self.model.extract_feat(image), texts, None, adjacency)
        return found.points[-1] * self.size, found.similarity.sigmoid().flatten(2).amax(dim=-1)


@torch.no_grad()
def export_text_query(
    config: str,
    checkpoint: str,
    out_dir: str,
    keypoints: Optional[str] = None,
    skeleton: str = '',
    category: Optional[str] = None,
    embeddings_input: bool = False,
    options: Optional[dict] = None,
) -> TextQueryExport:
    """Write ``model.onnx``, without the text encoder.

    It maps ``image [B, 3, H, W]``, normalized as its metadata says, to ``keypoints [B, K, 2]`` in pixels of the network
    input, and ``scores [B, K]``; B is free, H and W are those of the config. Flip test and calibration are not in it.
    With ``embeddings_input`` it has the further inputs ``embeddings [K, D]``, of the text encoder, and, if the head
    reads skeletons, ``links [K, K]``, 1 for two keypoints that are joined, for any K; ``embeddings.npz`` has them for
    the keypoints given, with their ``texts``.

    Args:
        config, checkpoint: a trained model with a :class:`TextQueryHead`.
        out_dir: folder to write to.
        keypoints, skeleton, category: as for :class:`TextPoseInferencer`; without them, the names of the head or of
            the data it was trained on.
        embeddings_input: whether texts are an input.
        options: settings that replace those of the config, as ``--cfg-options`` does.

    Raises:
        ValueError: another head, a checkpoint of another model, no keypoints, or an ONNX model that differs.
    """
    path = Path(out_dir, 'model.onnx')
    check_writable(path)
    cfg, model, content = load_trained_model(config, checkpoint, TextQueryHead, options)
    head = model.head
    queries = _queries(cfg, head, content, checkpoint, keypoints, skeleton, category)
    if queries is None and not embeddings_input:
        raise ValueError(
            f'{config} does not say which keypoints to find: give keypoints or a category, on the command line '
            '--keypoints "left ear, ..." or --category horse_body, or make texts an input with --embeddings-input.'
        )
    queries = queries or OTHER
    asked = [queries] * 3
    if embeddings_input:
        asked = [queries, OTHER, TextQueries.create(queries.keypoint_names[:1])]
    side = head.decoder.input_size
    images = [torch.rand(size, 3, *side[::-1], generator=torch.Generator().manual_seed(size)) for size in BATCH_SIZES]
    expected = [_predicted(model, image, own) for image, own in zip(images, asked)]
    texts = [_text_inputs(head, own) for own in asked]
    head.text_encoder = nn.Identity()  # nothing below reads words

    free = dict(image={0: 'batch'}, embeddings={0: 'number'}, links={0: 'number', 1: 'number'})
    outputs = dict(keypoints={0: 'batch'}, scores={0: 'batch'})
    if embeddings_input:
        function, inputs = QueryFunction(model), [dict(image=image, **own) for image, own in zip(images, texts)]
        outputs = {name: {**axes, 1: 'number'} for name, axes in outputs.items()}
    else:
        function, inputs = QueryFunction(model, **texts[0]), [dict(image=image) for image in images]
    free = {**{name: free[name] for name in inputs[1]}, **outputs}
    write_onnx(function, inputs[1], list(outputs), free, path, _notes(cfg, queries, embeddings_input))
    differences = {
        (len(image), len(own.keypoint_names)): _difference(run_onnx(path, given), wanted, max(side))
        for image, own, given, wanted in zip(images, asked, inputs, expected)
    }
    if not all(difference <= TOLERANCE for difference in differences.values()):  # not `>`: NaN must fail too
        raise ValueError(
            f"keypoints or scores of {path} differ from PyTorch's by {differences} of the input's size or of 1 "
            f'(allowed: {TOLERANCE}), by batch size and number of keypoints.'
        )
    if not embeddings_input:
        return TextQueryExport([path], differences)
    _write_embeddings(path.with_name('embeddings.npz'), queries, texts[0])
    return TextQueryExport([path, path.with_name('embeddings.npz')], differences)


def _queries(
    cfg: Config,
    head: TextQueryHead,
    content: dict,
    checkpoint: str,
    keypoints: Optional[str],
    skeleton: str,
    category: Optional[str],
) -> Optional[TextQueries]:
    """Those given, else those of the head, else those of the data it was trained on; None: the data have many."""
    if category is not None:
        return category_queries(find_category(category), keypoints, skeleton)
    if keypoints is not None:
        return TextQueries.parse(keypoints, skeleton)
    if head.default_queries is not None:
        return head.default_queries
    meta = (content.get('meta') or {}).get('dataset_meta')
    meta = checked_dataset_meta(meta, checkpoint) if meta else config_dataset_meta(cfg)
    if 'keypoint_id2name' not in meta:
        return None
    return TextQueries.create(keypoint_names(meta), skeleton=meta.get('skeleton_links', ()))


def _predicted(model: nn.Module, image: Tensor, queries: TextQueries) -> List[np.ndarray]:
    """Keypoints and scores as :meth:`TextQueryHead.predict` gives them."""
    samples = [PoseDataSample(metainfo=dict(asdict(queries))) for _ in image]
    found = model.head.predict(model.extract_feat(image), samples)
    return [np.concatenate([one[field] for one in found]) for field in ('keypoints', 'keypoint_scores')]


def _text_inputs(head: TextQueryHead, queries: TextQueries) -> Dict[str, Tensor]:
    """Embeddings ``[K, D]`` and, for a head that reads skeletons, links ``[K, K]``."""
    embeddings = head.text_encoder(queries.texts)
    links = dict(links=joined([queries.skeleton_links], embeddings[None])[0]) if head.graph else {}
    return dict(embeddings=embeddings, **links)


def _difference(got: Sequence[np.ndarray], expected: Sequence[np.ndarray], side: int) -> float:
    """The larger of the maximum differences of keypoints, as a fraction of the side, and of scores."""
    keypoints, scores = (np.abs(ours - theirs).max() for ours, theirs in zip(got, expected))
    return float(np.maximum(keypoints / side, scores))


def _notes(cfg: Config, queries: TextQueries, embeddings_input: bool) -> Dict[str, str]:
    """Metadata of the file, as JSON values."""
    notes = metadata(cfg, queries.keypoint_names)
    if embeddings_input:
        del notes['keypoint_names']
        return dict(notes, text_encoder=json.dumps(cfg.model.head.text_encoder.to_dict(), allow_nan=False))
    return dict(notes, texts=json.dumps(queries.texts, allow_nan=False))


def _write_embeddings(path: Path, queries: TextQueries, inputs: Dict[str, Tensor]) -> None:
    """Write texts with the inputs made of them."""
    buffer = io.BytesIO()
    arrays: Any = {name: value.numpy() for name, value in inputs.items()}
    np.savez(buffer, texts=np.array(queries.texts), **arrays)
    atomic_write(path, buffer.getvalue())
