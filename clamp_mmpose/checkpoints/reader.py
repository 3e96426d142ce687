"""Reads checkpoints without executing code in them."""

import hashlib
import io
import os
import pickle
import re
import zipfile
from pathlib import Path
from typing import Any, Optional, Union
from urllib.parse import urlparse

import torch
from mmengine.dist import barrier, get_local_rank
from mmengine.runner.checkpoint import _get_mmengine_home, get_deprecated_model_names, get_external_models

from clamp_mmpose.utils.files import parse_json

from .pickles import load_pickle
from .torchscript import is_torchscript, read_torchscript

MAX_EXPANSION = 50  # weights hardly compress
SMALL = 2**28  # bytes that are never too many
NOTES = 'clamp_mmpose'  # among the metadata of safetensors files, in JSON


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
        ValueError: the file is truncated, is not a checkpoint, holds code, or names a file to execute.
    """
    path = Path(path).expanduser()
    check_exists(path)
    try:
        content = _read(path, map_location)
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
    _check_meta(content, path)
    return content


def _read(path: Path, map_location: Any) -> Any:
    if path.suffix == '.safetensors':
        return _read_safetensors(path)
    with path.open('rb') as file:
        start = file.read(4)
    if start == b'PK\x03\x04':
        with zipfile.ZipFile(path) as archive:
            expanded = sum(member.file_size for member in archive.infolist())
        if expanded > max(SMALL, MAX_EXPANSION * path.stat().st_size):
            raise ValueError(f'its compressed parts expand to {expanded:,} bytes')
        return read_torchscript(path) if is_torchscript(path) else load_pickle(str(path), map_location)
    if start[:1] != b'\x80':  # tar archives too, which older PyTorch extracts
        raise pickle.UnpicklingError('its first bytes are not those of a checkpoint')
    return load_pickle(io.BytesIO(path.read_bytes()), map_location)


def _read_safetensors(path: Path) -> dict:
    """The tensors, as a state dict with meta if this package wrote notes beside them."""
    from safetensors import safe_open

    with safe_open(str(path), 'pt') as file:
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        notes = (file.metadata() or {}).get(NOTES)
    return weights if notes is None else dict(state_dict=weights, meta=_with_numbers(parse_json(notes)))


def _with_numbers(meta: Any) -> Any:
    """Notes whose names of keypoints have their numbers as keys again; JSON has only texts."""
    dataset_meta = meta.get('dataset_meta') if isinstance(meta, dict) else None
    names = dataset_meta.get('keypoint_id2name') if isinstance(dataset_meta, dict) else None
    if isinstance(names, dict) and all(key.isascii() and key.isdigit() for key in names):
        dataset_meta['keypoint_id2name'] = {int(key): name for key, name in names.items()}
    return meta


def _check_meta(content: dict, path: Path) -> None:
    """Check that the notes about the training are plain data that MMEngine and MMPose do not execute."""
    meta = content.get('meta')
    if meta is None:
        content.pop('meta', None)
        return
    if not isinstance(meta, dict):
        if 'state_dict' in content:
            raise ValueError(f'checkpoint {path}: "meta" is a {type(meta).__name__}; expected a dict.')
        return
    meta.pop('config', None)  # of MMPose 0.x; MMEngine executes it to compare the number of GPUs
    dataset_meta = meta.get('dataset_meta', {})
    if not isinstance(dataset_meta, dict):
        raise ValueError(f'checkpoint {path}: "dataset_meta" is a {type(dataset_meta).__name__}; expected a dict.')
    file = _named_file(dataset_meta)
    if file is not None:
        raise ValueError(
            f'checkpoint {path} was refused, and nothing was executed: its dataset_meta has '
            f'from_file={file!r:.100}, a config that MMPose would execute. Remove it from the checkpoint; metainfo '
            'belongs in your config.'
        )


def _named_file(content: Any) -> Any:
    """The value of ``from_file``, at any depth."""
    left, seen = [content], set()
    while left:
        item = left.pop()
        if id(item) in seen or not isinstance(item, (dict, list, tuple)):
            continue
        seen.add(id(item))
        if isinstance(item, dict) and item.get('from_file') is not None:
            return item['from_file']
        left.extend(item.values() if isinstance(item, dict) else item)
    return None


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
    target = folder / downloaded_name(filename)
    if get_local_rank() == 0 and not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(filename, str(target), progress=progress)
    barrier()
    return read_checkpoint(target, map_location)


def downloaded_name(url: str) -> str:
    """The name of a downloaded file: that of the URL, with a hash of the whole URL, since two may end alike."""
    name = Path(re.sub(r'[^\w.-]', '_', os.path.basename(urlparse(url).path)))
    return f'{name.stem[:100]}-{hashlib.sha256(url.encode()).hexdigest()[:12]}{name.suffix[:20]}'


def load_from_openmmlab(filename: str, map_location: Any = None) -> dict:
    """MMEngine's loader for ``open-mmlab://``: URLs, or files of the user's own list in MMEngine's folder."""
    name = filename.split('://', 1)[1]
    address = get_external_models()[get_deprecated_model_names().get(name, name)]
    if address.startswith(('http://', 'https://')):
        return load_from_http(address, map_location)
    return read_checkpoint(Path(_get_mmengine_home(), address), map_location)


def refuse_address(filename: str, map_location: Any = None) -> dict:
    """In place of a loader of MMEngine that executes code in checkpoints.

    Raises:
        ValueError: always.
    """
    raise ValueError(f'{filename}: checkpoints of this address are not read safely; download it and give its path.')
