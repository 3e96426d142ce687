"""Reads checkpoints without executing code in them."""

import io
import os
import pickle
import re
import zipfile
from _compat_pickle import IMPORT_MAPPING
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Optional, Union
from urllib.parse import urlparse

import numpy as np
import torch
from mmengine.dist import barrier, get_local_rank
from mmengine.logging import HistoryBuffer
from mmengine.utils import digit_version

TORCH_HAS_SAFE_GLOBALS = digit_version(torch.__version__) >= digit_version('2.6.0')


def _history_method(owner: type, name: str) -> Callable:
    """``getattr`` in a checkpoint: only the statistics of MMEngine's HistoryBuffer can be looked up."""
    if owner is HistoryBuffer and name in ('min', 'max', 'current', 'mean'):
        return HistoryBuffer.__dict__[name]
    raise pickle.UnpicklingError(f'getattr of {name!r} on {owner!r}')


def _bytes(text: str, encoding: str) -> bytes:
    """Pickle protocol 2 stores bytes as an encoded string; PyTorch 2.6 and later read that themselves."""
    if encoding != 'latin1':
        raise pickle.UnpicklingError(f'GLOBAL _codecs.encode to {encoding!r}')
    return text.encode(encoding)


def _mmengine_globals() -> dict:
    """Names in the pickles of MMEngine's checkpoints, apart from tensors, and the objects they refer to.

    NumPy 1 writes ``numpy.core``, NumPy 2 ``numpy._core``; either NumPy reads both.
    """
    # NumPy 1.26 has an empty numpy._core
    multiarray = np._core.multiarray if digit_version(np.__version__) >= digit_version('2.0.0') else np.core.multiarray
    names = {
        'builtins.getattr': _history_method,
        'mmengine.logging.history_buffer.HistoryBuffer': HistoryBuffer,
        'numpy.ndarray': np.ndarray,
        'numpy.dtype': np.dtype,
        'builtins.set': set,
        'builtins.bytes': bytes,  # an empty array
        '_codecs.encode': _bytes,
    }
    for core in ('numpy.core.multiarray', 'numpy._core.multiarray'):
        names[f'{core}._reconstruct'] = multiarray._reconstruct
        names[f'{core}.scalar'] = multiarray.scalar
    for character in '?bBhHiIlLqQefdSU':  # numbers and strings, not objects
        dtype_class = type(np.dtype(character))
        names[f'{dtype_class.__module__}.{dtype_class.__qualname__}'] = dtype_class
    return names


class _RestrictedUnpickler(pickle.Unpickler):
    """``weights_only`` for PyTorch before 2.6, whose own version does not accept further names."""

    def find_class(self, module: str, name: str) -> Any:
        from torch._weights_only_unpickler import _get_allowed_globals

        module = IMPORT_MAPPING.get(module, module)  # protocol 2 writes __builtin__
        allowed = {**_get_allowed_globals(), **_mmengine_globals()}
        if f'{module}.{name}' not in allowed:
            raise pickle.UnpicklingError(f'GLOBAL {module}.{name}')
        return allowed[f'{module}.{name}']


def _load_pickle(file: Union[str, io.BytesIO], map_location: Any) -> Any:
    if TORCH_HAS_SAFE_GLOBALS:
        allowed = [(value, name) for name, value in _mmengine_globals().items()]
        with torch.serialization.safe_globals(allowed):
            return torch.load(file, map_location=map_location, weights_only=True)
    restricted = ModuleType('restricted_pickle')
    restricted.Unpickler = _RestrictedUnpickler
    restricted.load = lambda stream, **kwargs: _RestrictedUnpickler(stream, **kwargs).load()
    return torch.load(file, map_location=map_location, weights_only=False, pickle_module=restricted)


def is_torchscript(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith('constants.pkl') for name in archive.namelist())


def check_exists(address: Union[str, Path, None]) -> None:
    """Check a checkpoint's path before slower work starts; an address such as ``https://...`` is left to its loader.

    Raises:
        FileNotFoundError: there is no such file.
    """
    if address is None or '://' in str(address):
        return
    path = Path(address).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f'checkpoint {path} does not exist (looked in {Path.cwd()}): check the path.')


def read_checkpoint(path: Union[str, Path], map_location: Any = 'cpu') -> dict:
    """Read a checkpoint file without executing code in it.

    Args:
        path: ``.pth`` / ``.pt`` / ``.bin`` (a pickle of tensors, or MMEngine's training state), ``.safetensors``, or
            a TorchScript archive such as OpenAI's CLIP, of which only the state dict is returned.
        map_location: as in ``torch.load``, for pickles.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is truncated, is not a checkpoint, or holds code.
    """
    path = Path(path).expanduser()
    check_exists(path)
    try:
        if path.suffix == '.safetensors':
            from safetensors.torch import load_file

            return load_file(str(path))
        if is_torchscript(path):
            return dict(torch.jit.load(str(path), map_location='cpu').state_dict())
        content = _load_pickle(str(path), map_location)
    except pickle.UnpicklingError as error:
        if not zipfile.is_zipfile(path) and path.read_bytes()[:1] != b'\x80':
            raise _unreadable(path, error) from error
        found = re.search(r'GLOBAL (\S+)', str(error))
        what = found[1] if found else type(error).__name__ + _reason(error)
        raise ValueError(
            f'checkpoint {path} was refused, and nothing in it was executed: it holds more than weights and '
            f'training state ({what}). Such a file can run any code; if you trust it, '
            'load it where it was written and save only its state_dict.'
        ) from error
    except Exception as error:  # each reader raises its own errors for a damaged file
        raise _unreadable(path, error) from error
    if not isinstance(content, dict):
        raise ValueError(
            f'checkpoint {path} holds a {type(content).__name__}; expected a dict of weights '
            '("state_dict" or the tensors themselves).'
        )
    return content


def _reason(error: Exception) -> str:
    """The first line of an error, without PyTorch's advice to set ``weights_only=False``."""
    reason = (str(error).splitlines() or [''])[0]
    return f': {reason}' if reason and 'weights_only' not in reason else ''


def _unreadable(path: Path, error: Exception) -> ValueError:
    size = path.stat().st_size
    return ValueError(
        f'checkpoint {path} cannot be read ({size:,} bytes): it is truncated or not a checkpoint; copy '
        f'or download it again, or resume from an earlier one. ({type(error).__name__}{_reason(error)})'
    )


def load_from_local(filename: str, map_location: Any = None) -> dict:
    """MMEngine's loader for local paths, see :func:`read_checkpoint`."""
    return read_checkpoint(filename, map_location)


def load_from_http(
    filename: str, map_location: Any = None, model_dir: Optional[str] = None, progress: bool = False
) -> dict:
    """MMEngine's loader for URLs: each machine downloads a file once into PyTorch's hub folder."""
    folder = Path(model_dir or os.path.join(torch.hub.get_dir(), 'checkpoints'))
    target = folder / os.path.basename(urlparse(filename).path)
    if get_local_rank() == 0 and not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(filename, str(target), progress=progress)
    barrier()
    return read_checkpoint(target, map_location)
