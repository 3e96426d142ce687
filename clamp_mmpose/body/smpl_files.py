"""Body model files as their authors ship them, read without executing code, and one .npz to keep."""

import io
import zipfile
from pathlib import Path
from typing import Any, Dict, Mapping, NamedTuple, Optional, Tuple, Union

import numpy as np
from scipy.sparse import issparse

from clamp_mmpose.checkpoints.array_pickles import ChumpyNode, read_array_pickle
from clamp_mmpose.utils.files import atomic_write

from .smpl_joints import NUM_JOINTS, NUM_SHARED, PARENTS

KINDS = {24: 'SMPL', 52: 'SMPL-H', 55: 'SMPL-X'}
# of joint 0, in files of unsigned numbers
NO_PARENT = (-1, 2**32 - 1)
# SMPL-X's shapedirs end with those of faces: bodies have the first 300 in files of 400, the first 10 in those of 20
MANY_BETAS, FEW_BETAS = 300, 10
SUM_TOLERANCE = 1e-3
KEYS = ('v_template', 'f', 'shapedirs', 'posedirs', 'J_regressor', 'weights', 'kintree_table')


class BodyFile(NamedTuple):
    """A body model of J joints and V vertices.

    Attributes:
        kind: 'SMPL' (24 joints), 'SMPL-H' (52) or 'SMPL-X' (55).
        source: the name of the file.
        template: ``[V, 3]`` meters.
        faces: ``[F, 3]`` int64.
        shapes: ``[V, 3, S]`` meters for each unit of S betas.
        pose_shapes: ``[V, 3, 9 (J - 1)]`` meters for each unit of ``R - I``.
        regressor: ``[J, V]``, from vertices to joints.
        weights: ``[V, J]`` of the skinning.
        parents: J numbers, -1 for the first.
    """

    kind: str
    source: str
    template: np.ndarray
    faces: np.ndarray
    shapes: np.ndarray
    pose_shapes: np.ndarray
    regressor: np.ndarray
    weights: np.ndarray
    parents: Tuple[int, ...]


def read_body_file(path: Union[str, Path]) -> BodyFile:
    """Read SMPL, SMPL-H or SMPL-X (Loper et al. 2015, Romero et al. 2017, Pavlakos et al. 2019) from the user's file.

    Args:
        path: a pickle as published (``SMPL_NEUTRAL.pkl``, ``basicModel_f_lbs_10_207_0_v1.0.0.pkl``), or an ``.npz``
            (``SMPLX_NEUTRAL.npz``, SMPL-H's ``model.npz``, or of :func:`write_body_file`).

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file holds code, is damaged, or is another body model or version.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(
            f'body file {path} does not exist (looked in {Path.cwd()}): check the path; files of SMPL come from '
            'https://smpl.is.tue.mpg.de, under their own license.'
        )
    content = _read_npz(path) if zipfile.is_zipfile(path) else read_array_pickle(path, 'body file')
    if not isinstance(content, dict):
        raise ValueError(f'body file {path} holds a {type(content).__name__}, expected a dict with {", ".join(KEYS)}.')
    return _body(content, path)


def write_body_file(body: BodyFile, path: Union[str, Path]) -> None:
    """Write a body model as one ``.npz`` with the published names, which needs no pickle to be read.

    Raises:
        ValueError: the path does not end in ``.npz``.
        OSError: the file cannot be written.
    """
    if Path(path).suffix != '.npz':
        raise ValueError(f'body file {path}: expected a name that ends in .npz.')
    parents = np.array(body.parents)
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        v_template=body.template,
        f=body.faces,
        shapedirs=body.shapes,
        posedirs=body.pose_shapes,
        J_regressor=body.regressor,
        weights=body.weights,
        kintree_table=np.stack([parents, np.arange(len(parents))]),
    )
    atomic_write(Path(path), buffer.getvalue())


def _read_npz(path: Path) -> Dict[str, Any]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {key: file[key] for key in (*KEYS, 'bs_type') if key in file}
    except Exception as error:  # a damaged archive raises errors of any kind
        raise ValueError(f'body file {path} cannot be read ({type(error).__name__}: {error!s:.80}).') from error


def _body(content: Mapping[str, Any], path: Path) -> BodyFile:
    missing = [key for key in KEYS if key not in content]
    if missing:
        raise ValueError(f'body file {path} has no {", ".join(missing)}: it is not one of SMPL, SMPL-H or SMPL-X.')
    blending = str(np.asarray(content.get('bs_type', 'lrotmin')).astype(str))  # bytes in files of Python 2
    if blending != 'lrotmin':
        raise ValueError(f'body file {path} has pose shapes of type {blending!r}, expected lrotmin.')
    values = {key: _numbers(content[key], key, path) for key in KEYS}
    vertices = len(values['v_template'])
    parents = _parents(values['kintree_table'], path)
    joints = len(parents)
    for key, expected in dict(
        v_template=(vertices, 3),
        f=(None, 3),
        shapedirs=(vertices, 3, None),
        posedirs=(vertices, 3, 9 * (joints - 1)),
        J_regressor=(joints, vertices),
        weights=(vertices, joints),
    ).items():
        _check_shape(values[key], expected, key, path)
    for key in ('J_regressor', 'weights'):
        error = np.abs(values[key].sum(1) - 1).max()
        if error > SUM_TOLERANCE:
            raise ValueError(f'body file {path}: rows of {key} must sum to 1, they differ by up to {error:.3g}.')
    faces = values['f'].astype(np.int64)
    if len(faces) and (faces.min() < 0 or faces.max() >= vertices):
        raise ValueError(f'body file {path}: faces name vertices {faces.min()} to {faces.max()}, it has {vertices}.')
    shapes = values['shapedirs']
    if KINDS[joints] == 'SMPL-X':
        shapes = shapes[:, :, : MANY_BETAS if shapes.shape[2] >= MANY_BETAS else FEW_BETAS]
    return BodyFile(
        KINDS[joints],
        path.name,
        values['v_template'],
        faces,
        shapes,
        values['posedirs'],
        values['J_regressor'],
        values['weights'],
        parents,
    )


def _numbers(value: Any, key: str, path: Path) -> np.ndarray:
    if isinstance(value, ChumpyNode):
        raise ValueError(f'body file {path}: {key} is a {value.name}, expected an array: export it with chumpy first.')
    if issparse(value):
        value = value.toarray()
    value = np.asarray(value)
    integers = key in ('f', 'kintree_table')
    if value.dtype.kind not in ('iu' if integers else 'f'):
        raise ValueError(
            f'body file {path}: {key} is of type {value.dtype}, expected {"integers" if integers else "floats"}.'
        )
    if not np.isfinite(value).all():
        raise ValueError(f'body file {path}: {key} holds numbers that are not finite.')
    return value


def _parents(table: np.ndarray, path: Path) -> Tuple[int, ...]:
    joints = table.shape[1] if table.ndim == 2 else 0
    if joints not in KINDS or len(table) != 2:
        kinds = ', '.join(f'{number} for {kind}' for number, kind in KINDS.items())
        raise ValueError(f'body file {path}: kintree_table is {list(table.shape)}, expected [2, J] with J {kinds}.')
    parents = table[0].astype(np.int64)
    ordered = (table[1] == np.arange(joints)).all() and (parents[1:] >= 0).all()
    if parents[0] not in NO_PARENT or not ordered or not (parents[1:] < np.arange(1, joints)).all():
        raise ValueError(f'body file {path}: kintree_table is no tree whose joints follow their parents.')
    shared = NUM_JOINTS if joints == NUM_JOINTS else NUM_SHARED
    if tuple(parents[1:shared]) != PARENTS[1:shared]:
        raise ValueError(f"body file {path}: the joints' parents are {parents[:shared].tolist()}, expected SMPL's.")
    return (-1, *parents[1:].tolist())


def _check_shape(value: np.ndarray, expected: Tuple[Optional[int], ...], key: str, path: Path) -> None:
    if value.ndim != len(expected) or any(want not in (None, got) for want, got in zip(expected, value.shape)):
        shape = ', '.join('any' if number is None else str(number) for number in expected)
        raise ValueError(f'body file {path}: {key} is {list(value.shape)}, expected [{shape}].')
