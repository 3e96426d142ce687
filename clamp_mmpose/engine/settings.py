"""Checks settings whose wrong values would fail late, or without a word of which one it is."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any, Iterator, Tuple

from mmengine.config import Config
from mmengine.device import is_cuda_available, is_musa_available, is_npu_available

POSITIVE = ('max_epochs', 'max_iters', 'val_interval', 'batch_size', 'accumulative_counts')
NATURAL = ('num_workers', 'val_begin')


def check_settings(cfg: Config) -> None:
    """Check the numbers of loops, loaders and optimizer, that mixed precision has a GPU, and DeepSpeed is installed.

    Raises:
        ValueError: a number is out of range, or training in mixed precision needs a GPU.
        ImportError: DeepSpeed is not installed, or MMEngine cannot use it.
    """
    if (cfg.get('strategy') or {}).get('type') == 'DeepSpeedStrategy':
        _check_deepspeed()
    for key, value in _settings(cfg):
        name = key.rpartition('.')[2]
        least = 1 if name in POSITIVE else 0
        whole = isinstance(value, (int, float)) and not isinstance(value, bool) and value == value // 1
        if name in (*POSITIVE, *NATURAL) and value is not None and not (whole and value >= least):
            raise ValueError(f'{key} must be a whole number of at least {least}, got {value!r}.')
        if name == 'lr' and not (isinstance(value, (int, float)) and 0 <= value < float('inf')):
            raise ValueError(f'{key} must be a number of at least 0, got {value!r}.')
    wrapper = cfg.get('optim_wrapper') or {}
    mixed_precision = cfg.get('train_cfg') and wrapper.get('type') == 'AmpOptimWrapper'
    if mixed_precision and not (is_cuda_available() or is_npu_available() or is_musa_available()):
        raise ValueError('--amp (AmpOptimWrapper) needs a GPU, and PyTorch finds none: train without it.')


def _check_deepspeed() -> None:
    spec = find_spec('deepspeed')
    # MMEngine 0.10.7 imports optimizers from there, which newer releases of DeepSpeed do not have
    folders = spec.submodule_search_locations or [] if spec else []
    if not any(Path(folder, 'runtime', 'fp16', 'onebit').is_dir() for folder in folders):
        found = 'it is not installed' if spec is None else 'MMEngine cannot use this release'
        raise ImportError(f'strategy DeepSpeedStrategy needs DeepSpeed, and {found}: pip install "deepspeed<0.19".')


def _settings(cfg: Config) -> Iterator[Tuple[str, Any]]:
    parts = ('train_cfg', 'train_dataloader', 'val_dataloader', 'test_dataloader', 'optim_wrapper')
    for part in parts:
        for name, value in (cfg.get(part) or {}).items():
            yield f'{part}.{name}', value
    for name, value in ((cfg.get('optim_wrapper') or {}).get('optimizer') or {}).items():
        yield f'optim_wrapper.optimizer.{name}', value
