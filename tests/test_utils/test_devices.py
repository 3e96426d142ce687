"""Warnings about a GPU that is there and not used."""

import pytest
import torch

from clamp_mmpose.utils import devices


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A function that says what the machine and PyTorch have."""

    def have(gpu, usable, build='12.6', visible=None):
        (tmp_path / 'nvidia0').write_text('') if gpu else None
        monkeypatch.setattr(devices, 'GPU_FILES', (str(tmp_path / 'nvidia0'),))
        monkeypatch.setattr(torch.cuda, 'is_available', lambda: usable)
        monkeypatch.setattr(torch.backends.mps, 'is_available', lambda: False)
        monkeypatch.setattr(torch.version, 'cuda', build)
        monkeypatch.delenv('HIP_VISIBLE_DEVICES', raising=False)
        monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
        if visible is not None:
            monkeypatch.setenv('CUDA_VISIBLE_DEVICES', visible)

    return have


def test_no_warning_without_a_gpu_or_with_one_in_use(machine):
    machine(gpu=False, usable=False)
    assert devices.unused_gpu() is None and devices.best_device() == 'cpu'
    machine(gpu=True, usable=True)
    assert devices.unused_gpu() is None and devices.unused_gpu('cuda:0') is None and devices.best_device() == 'cuda'


def test_the_reason_is_named(machine, monkeypatch):
    machine(gpu=True, usable=True)
    assert 'leave out --device cpu' in devices.unused_gpu('cpu')
    assert 'leave out --device cpu:0' in devices.unused_gpu('cpu:0')
    machine(gpu=True, usable=False, visible='')
    assert "CUDA_VISIBLE_DEVICES='' hides it" in devices.unused_gpu()
    machine(gpu=True, usable=False, build=None)
    assert 'is a build for the CPU' in devices.unused_gpu()
    monkeypatch.setattr(torch.version, 'hip', '6.2', raising=False)  # a build for AMD's has no CUDA
    assert 'cannot use its driver' in devices.unused_gpu()
    machine(gpu=True, usable=False)
    assert 'cannot use its driver' in devices.unused_gpu()


def test_apple_silicon_is_a_gpu(machine, monkeypatch):
    machine(gpu=False, usable=False)
    monkeypatch.setattr(torch.backends.mps, 'is_available', lambda: True)
    assert devices.best_device() == 'mps' and '(mps)' in devices.unused_gpu('cpu')
