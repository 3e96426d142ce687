"""What the samples of a batch are seeded with, and what stays as it was."""

import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.dataset import InfiniteSampler
from mmengine.runner import IterBasedTrainLoop
from torch.utils.data import DataLoader

from clamp_mmpose.engine.hooks import EpochSeedHook


class Draws(torch.utils.data.Dataset):
    """Each sample is one number of Python, of NumPy and of PyTorch."""

    def __len__(self):
        return 6

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


@pytest.mark.parametrize('workers', [0, 1])
def test_an_infinite_sampler_goes_on_after_its_first_workers(workers):
    """MMEngine has started workers, whose end closes the sampler's one generator; the hook starts its own."""
    loader = DataLoader(
        Draws(), 4, sampler=InfiniteSampler(Draws(), seed=0), num_workers=workers, persistent_workers=workers > 0
    )
    loop = IterBasedTrainLoop.__new__(IterBasedTrainLoop)
    loop.dataloader, loop.dataloader_iterator = loader, iter(loader)
    hook, runner = EpochSeedHook(), SimpleNamespace(seed=3, train_loop=loop)
    hook.before_train(runner)
    values = [torch.stack(next(loop.dataloader_iterator)) for _ in range(3)]
    assert [batch.shape for batch in values] == [(3, 4)] * 3
    assert len(torch.cat(values, dim=1).unique()) == 36
