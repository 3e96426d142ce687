"""A killed run, resumed, gives bitwise the weights of an undisturbed one."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

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


def test_killed_and_resumed(tmp_path):
    config = write_config(tmp_path / 'dots.py', write_dots(tmp_path / 'data', num_images=48))
    undisturbed, killed = tmp_path / 'undisturbed', tmp_path / 'killed'
    train(config, undisturbed)

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
    first = read_checkpoint(undisturbed / 'epoch_4.pth')['state_dict']
    second = read_checkpoint(killed / 'epoch_4.pth')['state_dict']
    assert first.keys() == second.keys()
    assert all(torch.equal(value, second[name]) for name, value in first.items())


def epoch_of(runner, epoch):
    """The images of an epoch, as the loader workers draw them."""
    runner.train_loop._epoch = epoch
    runner.call_hook('before_train_epoch')
    return torch.stack([image for batch in runner.train_loop.dataloader for image in batch['inputs']]).float()


def test_every_epoch_draws_its_own(tmp_path):
    """With and without loader workers; MMEngine alone would repeat the workers' draws in every epoch."""
    path = write_config(tmp_path / 'dots.py', write_dots(tmp_path / 'data'))
    for workers in (0, 2):
        cfg = Config.fromfile(path)
        cfg.work_dir, cfg.launcher = str(tmp_path / f'work{workers}'), 'none'
        cfg.experiment_name = f'epochs_{workers}'
        cfg.train_dataloader.num_workers = workers
        cfg.train_dataloader.sampler.shuffle = False
        runner = build_runner(cfg)
        runner._train_loop = runner.build_train_loop(runner._train_loop)
        runner.call_hook('before_train')
        first, second, again = (epoch_of(runner, epoch) for epoch in (0, 1, 0))
        assert torch.equal(first, again)
        same = [torch.equal(a, b) for a, b in zip(first, second)]
        assert not any(same)


def test_persistent_workers_are_refused(tmp_path):
    cfg = Config.fromfile(write_config(tmp_path / 'dots.py', write_dots(tmp_path / 'data')))
    cfg.work_dir, cfg.launcher, cfg.experiment_name = str(tmp_path), 'none', 'persistent'
    cfg.train_dataloader.persistent_workers = True
    with pytest.raises(ValueError, match=r'set train_dataloader\.persistent_workers=False'):
        build_runner(cfg).train()
