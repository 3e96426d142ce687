"""What the samples of a batch are seeded with, and what stays as it was."""

import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from clamp_mmpose.engine.hooks import EpochSeedHook


class Draws(torch.utils.data.Dataset):
    """Each sample is one number of Python, of NumPy and of PyTorch."""

    def __getitem__(self, index):
        return random.random(), np.random.rand(), torch.rand(()).item()


def draws(indices=(4, 2), seed=3, epoch=1):
    """The numbers of a batch ``[N, 3]``, and the three that the model then draws."""
    loader = SimpleNamespace(dataset=Draws())
    runner = SimpleNamespace(seed=seed, epoch=epoch, train_loop=SimpleNamespace(dataloader=loader))
    hook = EpochSeedHook()
    hook.before_train(runner)
    hook.before_train_epoch(runner)
    assert hook.epoch_seed.is_shared()  # with persistent workers
    assert loader.generator is not torch.default_generator
    return np.array(loader.dataset.__getitems__(list(indices))), np.array(Draws()[0])


def test_the_same_batch_again():
    (first, model), (second, again) = draws(), draws()
    assert np.array_equal(first, second) and np.array_equal(model, again)
    assert (first[0] != first[1]).all()


@pytest.mark.parametrize('other', [dict(indices=(4, 3)), dict(seed=4), dict(epoch=2), dict(rank=1)])
def test_all_three_generators_follow_seed_epoch_process_and_indices(other, monkeypatch):
    expected, model = draws()
    monkeypatch.setattr('clamp_mmpose.engine.hooks.epoch_seed_hook.get_rank', lambda: other.get('rank', 0))
    found, changed = draws(**{name: value for name, value in other.items() if name != 'rank'})
    assert (found != expected).all()
    assert (model != changed).all() or 'indices' in other


def test_batches_leave_the_random_state_to_the_model():
    assert np.array_equal(draws((4, 2))[1], draws((1,))[1])
