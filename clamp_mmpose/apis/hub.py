"""Shares trained models: a folder with settings, weights and a model card, on the Hugging Face Hub or elsewhere."""

import tempfile
from pathlib import Path
from typing import Any, Dict, NamedTuple, Optional, Union

import numpy as np
from mmengine.config import Config
from mmengine.runner import CheckpointLoader

from clamp_mmpose.checkpoints.fit import weights_of
from clamp_mmpose.checkpoints.reader import read_checkpoint
from clamp_mmpose.checkpoints.writer import write_safetensors
from clamp_mmpose.utils.files import atomic_write, read_text

from .dataset_meta import checked_dataset_meta, config_dataset_meta
from .hub_card import model_card
from .hub_settings import model_settings, read_settings, settings_text
from .inferencer import TextPoseInferencer
from .model_zoo import read_config

CONFIG, WEIGHTS, CARD = 'config.py', 'model.safetensors', 'README.md'


class ModelFolder(NamedTuple):
    """The files of a shared model."""

    folder: Path
    config: Path
    weights: Path


def write_model_folder(
    config: Union[str, Config],
    checkpoint: str,
    folder: Union[str, Path],
    name: str,
    license: Optional[str] = None,
    options: Optional[dict] = None,
) -> ModelFolder:
    """Write ``config.py`` (plain settings), ``model.safetensors`` and ``README.md`` (a model card), and load them once.

    Args:
        config, checkpoint: of a model that :class:`TextPoseInferencer` runs.
        folder: to write to; files of these names are replaced.
        name: of the model, as ``owner/name``.
        license: of the weights, such as ``'cc-by-4.0'``, for the card.
        options: settings that replace those of a config file, as ``--cfg-options`` does.

    Raises:
        ValueError: settings that others cannot use, or weights of another model.
        OSError: a file cannot be written.
    """
    cfg = read_config(config, options) if isinstance(config, str) else config
    settings = model_settings(cfg)
    content = CheckpointLoader.load_checkpoint(checkpoint, map_location='cpu')
    saved = content.get('meta') or {}
    meta = saved.get('dataset_meta')
    meta = checked_dataset_meta(meta, checkpoint) if meta else config_dataset_meta(cfg)
    notes: Dict[str, Any] = dict(dataset_meta=_without_arrays(meta))
    for key in ('frozen_parts', 'mmpose_version'):
        if key in saved:
            notes[key] = saved[key]
    files = _files(folder)
    atomic_write(files.config, settings_text(settings).encode())
    write_safetensors(weights_of(content), files.weights, notes)
    model = TextPoseInferencer(Config.fromfile(str(files.config)), str(files.weights), 'cpu')
    atomic_write(files.folder / CARD, model_card(name, model, meta, license).encode())
    return files


def push_model(folder: Union[str, Path], name: str, private: bool = False) -> str:
    """Upload a folder of :func:`write_model_folder` to the Hugging Face Hub; returns its address.

    Raises:
        ImportError: huggingface_hub is not installed.
        ValueError: the hub cannot be reached, or refuses.
    """
    hub = _huggingface_hub()
    try:
        hub.create_repo(name, private=private, exist_ok=True)
        hub.upload_folder(repo_id=name, folder_path=str(folder), allow_patterns=[CONFIG, WEIGHTS, CARD])
    except Exception as error:  # of the network, or of the hub
        raise ValueError(
            f'{name} cannot be uploaded: {type(error).__name__}: {" ".join(str(error).split())[:200]} Log in with '
            f'"hf auth login", or upload {folder} by hand.'
        ) from error
    return f'https://huggingface.co/{name}'


def pull_model(source: str, folder: Union[str, Path]) -> ModelFolder:
    """Take a shared model from the hub, or from a folder that was copied; nothing that comes with it is run.

    The settings are read as data, checked, and written again; weights are read without unpickling.

    Args:
        source: ``owner/name`` on the hub, or a folder.
        folder: to write to.

    Raises:
        FileNotFoundError: a file of the model is missing.
        ImportError: huggingface_hub is not installed.
        ValueError: it cannot be downloaded, or names code to run.
    """
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(source) if Path(source).is_dir() else _download(source, temporary)
        for name in (CONFIG, WEIGHTS):
            if not (place / name).is_file():
                raise FileNotFoundError(f'{source} has no {name}: it is no model that clamp-mmpose hub push wrote.')
        settings = read_settings(read_text(place / CONFIG), f'{source}/{CONFIG}')
        read_checkpoint(place / WEIGHTS)
        files = _files(folder)
        for name in (WEIGHTS, CARD):
            if (place / name).is_file():
                atomic_write(files.folder / name, (place / name).read_bytes())
        atomic_write(files.config, settings_text(settings).encode())
    return files


def _files(folder: Union[str, Path]) -> ModelFolder:
    folder = Path(folder)
    return ModelFolder(folder, folder / CONFIG, folder / WEIGHTS)


def _download(name: str, folder: str) -> Path:
    hub = _huggingface_hub()
    try:
        return Path(hub.snapshot_download(name, local_dir=folder, allow_patterns=[CONFIG, WEIGHTS, CARD]))
    except Exception as error:  # of the network, or of the hub
        raise ValueError(
            f'{name} is no folder here (looked in {Path.cwd()}) and cannot be downloaded: {type(error).__name__}: '
            f'{" ".join(str(error).split())[:200]}'
        ) from error


def _huggingface_hub() -> Any:
    try:
        import huggingface_hub
    except ImportError as error:
        raise ImportError("the hub needs huggingface_hub: pip install 'clamp_mmpose[text]'.") from error
    return huggingface_hub


def _without_arrays(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_arrays(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_arrays(item) for item in value]
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
