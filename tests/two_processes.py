"""Run a function in two or more gloo processes, forked from one that has imported the package."""

import multiprocessing
import os
from pathlib import Path
from typing import Callable, Sequence

import mmengine.config.config
import torch

from clamp_mmpose.cli import train
from clamp_mmpose.engine.launch import shut_down_distributed

multiprocessing.set_forkserver_preload(['clamp_mmpose'])


def run_in_two_processes(function: Callable, folder: Path, *args, number: int = 2) -> None:
    """Call ``function(rank, folder, *args)`` in each."""
    torch.multiprocessing.start_processes(
        _in_a_process, (number, function, folder, *args), nprocs=number, start_method='forkserver'
    )


def _in_a_process(rank: int, number: int, function: Callable, folder: Path, *args) -> None:
    # as in conftest.py: laying out the text of a config takes half a second, for each checkpoint
    mmengine.config.config.FormatCode = lambda text, **options: (text, True)
    torch.distributed.init_process_group('gloo', init_method=f'file://{folder}/store', rank=rank, world_size=number)
    function(rank, folder, *args)
    shut_down_distributed()  # otherwise gloo's threads may abort the process when it exits


def train_in_parallel(rank: int, folder: Path, configs: Sequence[Path], settings: Sequence[Sequence[str]] = ()) -> None:
    """Train each config in the folder ``two`` beside it, with batches of 2; then the last with each of the settings."""
    os.environ.update(LOCAL_RANK=str(rank), RANK=str(rank), WORLD_SIZE='2')
    runs = [(config, []) for config in configs] + [(configs[-1], own) for own in settings]
    for number, (config, own) in enumerate(runs):
        if not torch.distributed.is_initialized():  # a training ends with leaving the group
            store = f'file://{folder}/store{number}'
            torch.distributed.init_process_group('gloo', init_method=store, rank=rank, world_size=2)
        batches = ['--cfg-options', 'train_dataloader.batch_size=2']
        arguments = [str(config), '--work-dir', str(config.parent / 'two'), '--launcher', 'pytorch', *batches, *own]
        assert train.main(arguments) == 0
