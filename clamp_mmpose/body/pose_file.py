"""A pose in a file, JSON or .npz without pickles: the rotations of SMPL's 24 joints, their places, and a text."""

import io
import zipfile
from pathlib import Path
from typing import Any, Dict, NamedTuple, Optional, Union

import numpy as np
import torch

from clamp_mmpose.utils.files import atomic_write, read_json, to_json

from .rotations import axis_angle_to_matrix, is_degenerate, matrix_to_axis_angle, matrix_to_six, six_to_matrix
from .smpl_joints import JOINT_NAMES, NUM_JOINTS, NUM_SHARED

FORMAT = 'clamp_mmpose pose 1'
SUFFIXES = ('.json', '.npz')
REMEDY = 'give a pose of tools/chat.py --out'
AGREE = 1e-2  # of two 6D rotations of one joint, which people may round
FINGERS = {52: 'SMPL-H', 55: 'SMPL-X'}  # numbers of joints


class PoseFile(NamedTuple):
    """What a pose file holds.

    Attributes:
        rotations: float32 ``[24, 3, 3]`` of SMPL's joints, each relative to its parent's, the first one in the
            camera's frame: x right, y down, z away.
        joints: float32 ``[24, 3]`` meters in the camera's frame, or None.
        text: the answer that gave the pose.
    """

    rotations: np.ndarray
    joints: Optional[np.ndarray]
    text: str


def write_pose(
    path: Union[str, Path], rotations: np.ndarray, joints: Optional[np.ndarray] = None, text: str = ''
) -> None:
    """Write a pose that :func:`read_pose` reads, with its rotations as axis-angle vectors and in 6D.

    Args:
        path: ends with .json or .npz.
        rotations: ``[24, 3, 3]``.
        joints: ``[24, 3]`` meters.
        text: any.

    Raises:
        ValueError: another suffix, other shapes, or numbers that are not finite.
        OSError: the file cannot be written.
    """
    path = _suffixed(path)
    matrices = torch.from_numpy(_numbers('rotations', rotations, (NUM_JOINTS, 3, 3), str(path)))
    content: Dict[str, Any] = dict(
        format=FORMAT,
        joint_names=list(JOINT_NAMES),
        axis_angle=matrix_to_axis_angle(matrices).numpy(),
        six=matrix_to_six(matrices).numpy(),
    )
    if joints is not None:
        content['joints'] = _numbers('joints', joints, (NUM_JOINTS, 3), str(path))
    content['text'] = text
    if path.suffix == '.npz':
        buffer = io.BytesIO()
        np.savez(buffer, **content)
        atomic_write(path, buffer.getvalue())
    else:
        rounded = {key: _rounded(value) for key, value in content.items()}
        lines = [f'  "{key}": {to_json(value, str(path))}' for key, value in rounded.items()]
        atomic_write(path, ('{\n' + ',\n'.join(lines) + '\n}\n').encode())


def read_pose(path: Union[str, Path]) -> PoseFile:
    """Read a pose of :func:`write_pose`, or one of the same form.

    ``joint_names`` and ``axis_angle`` (radians) or ``six`` must be there; the names may be in any order.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: not such a file, joints that are not SMPL's 24, numbers that are missing or not finite, 6D rows
            that are no rotation, or axis-angle vectors and 6D that disagree.
    """
    path = _suffixed(path)
    content = _read_npz(path) if path.suffix == '.npz' else read_json(path, 'pose', REMEDY, expected=dict)
    what = f'pose {path}'
    if content.get('format') != FORMAT:
        raise ValueError(f'{what}: format must be {FORMAT!r}, got {content.get("format")!r:.60}; {REMEDY}.')
    order = _order(content.get('joint_names'), what)
    text = content.get('text', '')
    if not isinstance(text, str):
        raise ValueError(f'{what}: text must be a text, got {text!r:.60}.')
    joints = content.get('joints')
    return PoseFile(
        _rotations(content, order, what),
        None if joints is None else _numbers('joints', joints, (NUM_JOINTS, 3), what)[order],
        text,
    )


def write_obj(path: Union[str, Path], vertices: np.ndarray, faces: np.ndarray) -> None:
    """Write a mesh as a Wavefront OBJ file, which 3D programs read; they expect y up.

    Args:
        path: of the file.
        vertices: ``[V, 3]`` meters.
        faces: ``[F, 3]`` indices of vertices from 0.
    """
    lines = ['v {:.5f} {:.5f} {:.5f}'.format(*vertex) for vertex in (np.round(vertices, 5) + 0.0).tolist()]  # no -0
    lines += ['f {} {} {}'.format(*face) for face in (np.asarray(faces) + 1).tolist()]
    atomic_write(Path(path), ('\n'.join(lines) + '\n').encode())


def _suffixed(path: Union[str, Path]) -> Path:
    path = Path(path).expanduser()
    if path.suffix not in SUFFIXES:
        raise ValueError(f'{path}: the name of a pose file ends with {" or ".join(SUFFIXES)}.')
    return path


def _read_npz(path: Path) -> Dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f'pose {path} not found (looked in {Path.cwd()}): {REMEDY}.')
    try:
        with np.load(path, allow_pickle=False) as file:
            content: Dict[str, Any] = {key: file[key] for key in file.files}
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f'pose {path} cannot be read as .npz ({error}): copy it again.') from error
    texts = {key: content[key].tolist() for key in ('format', 'joint_names', 'text') if key in content}
    return {**content, **texts}


def _order(names: Any, what: str) -> np.ndarray:
    """Where SMPL's joints are among the names."""
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f'{what}: joint_names must be the {NUM_JOINTS} names of SMPL, got {names!r:.60}.')
    if len(names) in FINGERS:
        raise ValueError(
            f"{what} has {len(names)} joints, as {FINGERS[len(names)]} with fingers, expected SMPL's {NUM_JOINTS}: "
            f'keep the first {NUM_SHARED}, and add {JOINT_NAMES[-2]!r} and {JOINT_NAMES[-1]!r} with zero rotations.'
        )
    missing = [name for name in JOINT_NAMES if name not in names]
    unknown = [name for name in names if name not in JOINT_NAMES]
    twice = [name for name in JOINT_NAMES if names.count(name) > 1]
    for problem, found in (('lacks', missing), ('has unknown', unknown), ('has twice', twice)):
        if found:
            raise ValueError(
                f'{what}: joint_names {problem} {", ".join(map(repr, found[:5]))}'
                f'{" and more" if len(found) > 5 else ""}; expected the {NUM_JOINTS} joints of SMPL, '
                f'{JOINT_NAMES[0]!r} to {JOINT_NAMES[-1]!r}.'
            )
    return np.array([names.index(name) for name in JOINT_NAMES])


def _rotations(content: Dict[str, Any], order: np.ndarray, what: str) -> np.ndarray:
    found = {}
    if content.get('axis_angle') is not None:
        vectors = torch.from_numpy(_numbers('axis_angle', content['axis_angle'], (NUM_JOINTS, 3), what)[order])
        found['axis_angle'] = axis_angle_to_matrix(vectors)
    if content.get('six') is not None:
        six = torch.from_numpy(_numbers('six', content['six'], (NUM_JOINTS, 6), what)[order])
        wrong = is_degenerate(six).nonzero()
        if len(wrong):
            raise ValueError(
                f'{what}: six of {JOINT_NAMES[int(wrong[0])]!r} is no rotation, expected two columns that are longer '
                'than 0 and not parallel.'
            )
        found['six'] = six_to_matrix(six)
    if not found:
        raise ValueError(f'{what} has no rotations: expected axis_angle [{NUM_JOINTS}][3] or six [{NUM_JOINTS}][6].')
    if len(found) == 2:
        apart = (found['axis_angle'] - found['six']).abs().amax((1, 2))
        if bool(apart.max() > AGREE):
            raise ValueError(
                f'{what}: axis_angle and six of {JOINT_NAMES[int(apart.argmax())]!r} are different rotations: correct '
                'one of them, or leave one out for all joints.'
            )
    return next(iter(found.values())).numpy()


def _numbers(name: str, values: Any, shape: tuple, what: str) -> np.ndarray:
    """Finite float32 numbers of a shape."""
    try:
        with np.errstate(over='ignore'):  # too large for float32: refused below
            array = np.asarray(values, dtype=np.float32)
    except (ValueError, TypeError):  # ragged lists, or texts
        raise ValueError(f'{what}: {name} must be numbers {list(shape)}.') from None
    if array.shape != shape:
        fingers = FINGERS.get(len(array) if array.ndim else 0)
        hint = f'; {fingers} shares only the first {NUM_SHARED} joints' if fingers else ''
        raise ValueError(f'{what}: {name} must be {list(shape)}, got {list(array.shape)}{hint}.')
    if not np.isfinite(array).all():
        place = np.argwhere(~np.isfinite(array))[0].tolist()
        raise ValueError(f'{what}: {name}{place} is not a finite number.')
    return array


def _rounded(value: Any) -> Any:
    """Micrometers and microradians, which are shorter than float32 in full, without -0."""
    return np.round(value.astype(float), 6) + 0.0 if isinstance(value, np.ndarray) else value
