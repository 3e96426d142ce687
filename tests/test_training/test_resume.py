"""A killed and resumed run gives bitwise the same weights as an uninterrupted one."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from tiny import write_config, write_dots

from clamp_mmpose.checkpoints.reader import read_checkpoint
from clamp_mmpose.engine.launch import build_runner

ROOT = Path(__file__).parents[2]


def train(config, work_dir, *arguments, wait=True):
    process = subprocess.Popen(
        [sys.executable, 'tools/train.py', str(config), '--work-dir', str(work_dir), *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    if wait:
        output, _ = process.communicate()
        assert process.returncode == 0, output[-3000:]
        return output
    return process


@pytest.mark.cpu
@pytest.mark.slow
def test_killed_and_resumed(tmp_path):
    config = write_config(tmp_path / 'dots.py', write_dots(tmp_path / 'data', num_images=48))
    uninterrupted, killed = tmp_path / 'uninterrupted', tmp_path / 'killed'
    train(config, uninterrupted)

    process = train(config, killed, wait=False)
    deadline = time.time() + 120
    while 'epoch_2' not in (killed / 'last_checkpoint').read_text() if (killed / 'last_checkpoint').exists() else True:
        assert process.poll() is None and time.time() < deadline, process.communicate()[0][-3000:]
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert process.returncode == -signal.SIGKILL and not (killed / 'epoch_4.pth').exists()

    output = train(config, killed, '--resume')
    assert 'resumed epoch: 2' in output or 'resumed epoch: 3' in output
    first = read_checkpoint(uninterrupted / 'epoch_4.pth')['state_dict']
    second = read_checkpoint(killed / 'epoch_4.pth')['state_dict']
    assert first.keys() == second.keys()
    assert all(torch.equal(value, second[name]) for name, value in first.items())


def runner_of(path, work_dir, **options):
    """A runner right before training, without shuffling."""
    cfg = Config.fromfile(path)
    cfg.merge_from_dict({f'train_dataloader.{name}': value for name, value in options.items()})
    cfg.work_dir, cfg.launcher = str(work_dir), 'none'
    cfg.experiment_name = f'epochs_{time.time_ns()}'
    cfg.train_dataloader.sampler.shuffle = False
    runner = build_runner(cfg)
    runner._train_loop = runner.build_train_loop(runner._train_loop)
    runner.call_hook('before_train')
    return runner


def epoch_of(runner, epoch):
    """The augmented images of an epoch from the loader, and the random state afterwards."""
    runner.train_loop._epoch = epoch
    runner.call_hook('before_train_epoch')
    images = torch.stack([image for batch in runner.train_loop.dataloader for image in batch['inputs']]).float()
    return images, (random.getstate(), torch.get_rng_state().tolist(), np.random.get_state()[1].tolist())


@pytest.fixture(scope='module')
def drawn(tmp_path_factory):
    """A config, and two of its epochs loaded without workers."""
    folder = tmp_path_factory.mktemp('dots')
    path = write_config(folder / 'dots.py', write_dots(folder / 'data'))
    runner = runner_of(path, folder, num_workers=0, persistent_workers=False)
    return path, [epoch_of(runner, epoch) for epoch in (0, 1)]


def test_augmentations_differ_between_epochs(drawn, tmp_path):
    path, ((first, _), (second, _)) = drawn
    assert not any(torch.equal(a, b) for a, b in zip(first, second))
    again, _ = epoch_of(runner_of(path, tmp_path, num_workers=0, persistent_workers=False), 1)
    assert torch.equal(again, second)


@pytest.mark.parametrize('persistent', [False, True])
@pytest.mark.parametrize('workers', [1, 2])
@pytest.mark.slow
def test_workers_give_the_same_augmentations(drawn, tmp_path, workers, persistent):
    """For any number of workers, persistent or not; the random state of the model is also the same."""
    path, expected = drawn
    runner = runner_of(path, tmp_path, num_workers=workers, persistent_workers=persistent)
    for epoch in (0, 1):
        images, state = epoch_of(runner, epoch)
        assert torch.equal(images, expected[epoch][0]) and state == expected[epoch][1]
    iterator = runner.train_loop.dataloader._iterator
    assert (iterator is not None) == persistent
    if persistent:  # one set of processes for both epochs
        assert iterator._num_yielded == len(runner.train_loop.dataloader) and len(iterator._workers) == workers
    # a resumed run starts its workers in a later epoch
    images, state = epoch_of(runner_of(path, tmp_path, num_workers=workers, persistent_workers=persistent), 1)
    assert torch.equal(images, expected[1][0]) and state == expected[1][1]


@pytest.mark.slow
def test_spawned_workers_give_the_same_augmentations(drawn, tmp_path):
    path, expected = drawn
    options = dict(num_workers=1, persistent_workers=True, multiprocessing_context='spawn')
    runner = runner_of(path, tmp_path, **options)
    for epoch in (0, 1):
        assert torch.equal(epoch_of(runner, epoch)[0], expected[epoch][0])
