import itertools
import random
from contextlib import contextmanager
from typing import Any, Iterator, List, Sequence

import numpy as np
import torch
from mmengine.dataset import InfiniteSampler
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import IterBasedTrainLoop, Runner
from mmpose.registry import HOOKS
from torch import Tensor
from torch.utils.data import DataLoader, Dataset


@HOOKS.register_module()
class EpochSeedHook(Hook):
    """Seeds each epoch with (seed, epoch, process), and each batch of samples also with its indices.

    In a training by iterations, an epoch is a pass through the data, and each iteration seeds the model.

    A resumed run then equals an uninterrupted one, and every epoch has its own augmentations. The number of loader
    workers, their start method and ``persistent_workers`` have no effect. MMEngine does not restore the random state,
    and seeds its loader workers the same way whenever they start.
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        loader = runner.train_loop.dataloader
        # in shared memory, so that persistent workers see each new epoch
        self.epoch_seed = torch.zeros((), dtype=torch.int64).share_memory_()
        # PyTorch loads a whole batch with this method if a data set has it
        loader.dataset.__getitems__ = SeededBatches(loader.dataset, self.epoch_seed)
        # starting workers draws a number; without a generator it comes from the model's random state
        loader.generator = torch.Generator()
        if isinstance(runner.train_loop, IterBasedTrainLoop):
            # MMEngine's iterator has started its workers already, and waits two seconds after each pass
            loader._iterator = None
            runner.train_loop.dataloader_iterator = EndlessBatches(self._endless(loader, runner.seed))

    def before_train_epoch(self, runner: Runner) -> None:
        seed = make_seed([runner.seed, runner.epoch, get_rank()])
        self.epoch_seed.fill_(seed)
        seed_model(seed)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        if isinstance(runner.train_loop, IterBasedTrainLoop):
            seed_model(make_seed([runner.seed, runner.iter, get_rank()]))

    def _endless(self, loader: DataLoader, seed: int) -> Iterator[Any]:
        """The batches of one pass through the data after another."""
        sampler = getattr(loader.batch_sampler, 'sampler', loader.sampler)
        if isinstance(sampler, InfiniteSampler):
            # its one generator was closed together with MMEngine's iterator, if that had workers
            sampler.indices = sampler._indices_of_rank()
        for number in itertools.count():
            self.epoch_seed.fill_(make_seed([seed, number, get_rank()]))
            if hasattr(sampler, 'set_epoch'):
                sampler.set_epoch(number)
            batches = 0
            for batch in loader:
                batches += 1
                yield batch
            if not batches:  # it would be tried again for ever
                raise ValueError(
                    f'a pass through the train_dataloader gives no batch: {type(sampler).__name__} is empty.'
                )


class EndlessBatches:
    """The iterator of a training loop.

    Args:
        batches: all batches, without an end.
    """

    def __init__(self, batches: Iterator[Any]):
        self.batches = batches

    def __iter__(self) -> 'EndlessBatches':
        return self

    def __next__(self) -> Any:
        return next(self.batches)

    def skip_iter(self, number: int) -> None:
        """Skip batches when a training is resumed; only OneDL's MMEngine calls this, OpenMMLab's loads them itself."""
        for _ in range(number):
            next(self.batches)


class SeededBatches:
    """Loads the samples of a batch, seeded with the epoch's seed and the batch's indices.

    Args:
        dataset: a map-style data set.
        epoch_seed: ``[]`` int64 in shared memory.
    """

    def __init__(self, dataset: Dataset, epoch_seed: Tensor):
        self.dataset = dataset
        self.epoch_seed = epoch_seed

    def __call__(self, indices: Sequence[int]) -> List[dict]:
        with keep_random_state():  # without workers, the model uses this process's random state
            seed = make_seed([int(self.epoch_seed), *indices])
            random.seed(seed)
            np.random.seed(seed)
            torch.default_generator.manual_seed(seed)  # torch.manual_seed would also seed the GPUs
            return [self.dataset[index] for index in indices]


def seed_model(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def make_seed(numbers: Sequence[int]) -> int:
    return int(np.random.SeedSequence([int(number) for number in numbers]).generate_state(1)[0])


@contextmanager
def keep_random_state() -> Iterator[None]:
    """Restore the random state of Python, NumPy and PyTorch (CPU) at the end of the block."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
