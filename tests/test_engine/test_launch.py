"""Number of threads and loader workers of a run."""

import os

import pytest
import torch
from mmengine.config import Config
from tiny import write_config, write_dots

from clamp_mmpose.engine.launch import _check_gpus, build_runner, limit_threads


@pytest.fixture
def threads(monkeypatch):
    """A machine with eight cores; restores PyTorch's number of threads afterwards."""
    monkeypatch.setattr(os, 'sched_getaffinity', lambda pid: set(range(8)), raising=False)
    for name in ('OMP_NUM_THREADS', 'LOCAL_WORLD_SIZE', 'SLURM_NTASKS_PER_NODE'):
        monkeypatch.delenv(name, raising=False)
    before = torch.get_num_threads()
    yield torch.get_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    'workers, variables, expected',
    [
        (0, {}, 8),
        (1, {}, 4),
        (4, {}, 1),
        (20, {}, 1),
        (0, {'LOCAL_WORLD_SIZE': '2'}, 4),
        (1, {'SLURM_NTASKS_PER_NODE': '4'}, 1),
        (4, {'OMP_NUM_THREADS': '3'}, 5),  # unchanged
    ],
)
def test_threads(threads, monkeypatch, workers, variables, expected):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    torch.set_num_threads(5)
    limit_threads(Config(dict(train_dataloader=dict(num_workers=workers), val_dataloader=None)))
    assert threads() == expected


@pytest.mark.parametrize('part', ['val', 'test'])
def test_threads_leave_cores_to_the_workers_of_every_loader(threads, part):
    limit_threads(Config({f'{part}_dataloader': dict(num_workers=3)}))
    assert threads() == 2


def test_persistent_workers_without_workers(tmp_path):
    cfg = Config.fromfile(write_config(tmp_path / 'dots.py', write_dots(tmp_path / 'data', num_images=4)))
    cfg.work_dir, cfg.launcher, cfg.experiment_name = str(tmp_path), 'none', f'launch_{tmp_path.name}'
    cfg.merge_from_dict({'train_dataloader.num_workers': 0, 'train_dataloader.persistent_workers': True})
    runner = build_runner(cfg)
    assert len(runner.build_dataloader(runner._train_dataloader)) == 1


def test_more_processes_than_gpus(tmp_path, monkeypatch):
    config = Config.fromfile(write_config(tmp_path / 'dots.py', write_dots(tmp_path / 'data', num_images=4)))
    config.update(launcher='pytorch', work_dir=str(tmp_path / 'work'))
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 1)
    monkeypatch.setenv('LOCAL_WORLD_SIZE', '2')
    with pytest.raises(ValueError, match='2 processes on a machine with 1 GPUs: start as many'):
        build_runner(config)


@pytest.mark.parametrize('gpus, processes', [(0, 2), (2, 2), (4, 2)])
def test_processes_that_fit(monkeypatch, gpus, processes):
    """Without any GPU, all of them use the CPU."""
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: gpus)
    monkeypatch.setenv('LOCAL_WORLD_SIZE', str(processes))
    _check_gpus(Config(dict(launcher='pytorch')))


def test_two_runs_of_one_process_log_to_their_own_folders(tmp_path):
    """Their visualizers have the same name, as in MMPose's configs."""
    path = write_config(tmp_path / 'dots.py', write_dots(tmp_path / 'data', num_images=4))
    for part in 'ab':
        cfg = Config.fromfile(path)
        cfg.work_dir, cfg.launcher, cfg.experiment_name = str(tmp_path / part), 'none', f'{part}_{tmp_path.name}'
        assert cfg.visualizer.name == 'visualizer'
        build_runner(cfg).visualizer.add_scalar('loss', 0.5)
    found = sorted(file.relative_to(tmp_path).parts[0] for file in tmp_path.rglob('scalars.json'))
    rows = [len(file.read_text().splitlines()) for file in tmp_path.rglob('scalars.json')]
    assert (found, rows) == (['a', 'b'], [1, 1])
