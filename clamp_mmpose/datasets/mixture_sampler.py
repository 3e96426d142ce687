from typing import Iterator, Optional, Sequence

import numpy as np
from mmengine.dataset import ConcatDataset
from mmengine.dist import get_dist_info, sync_random_seed
from mmpose.registry import DATA_SAMPLERS
from torch.utils.data import Sampler

from .shuffled_passes import shuffled_passes


@DATA_SAMPLERS.register_module()
class MixtureSampler(Sampler):
    """Sampler that mixes the parts of a ConcatDataset at fixed shares, whatever their sizes (ChatPose: 1:1:2).

    An epoch has exactly these shares, in random order. A part is drawn in shuffled passes that continue from one epoch
    to the next: none of its samples is repeated before all were drawn. The order depends only on the seed and the
    epoch, so a resumed run continues it.

    Args:
        dataset: a ConcatDataset of MMEngine.
        weights: of each of its parts; 0: none of it.
        epoch_size: samples of an epoch over all processes.
        seed: the same in all processes; None: a random one that they share.

    Raises:
        ValueError: weights that do not fit the parts, an ``epoch_size`` below 1.
        TypeError: another kind of data set.
    """

    def __init__(self, dataset: ConcatDataset, weights: Sequence[float], epoch_size: int, seed: Optional[int] = None):
        if not isinstance(dataset, ConcatDataset):
            raise TypeError(f'MixtureSampler takes a ConcatDataset, not {type(dataset).__name__}.')
        sizes = [len(part) for part in dataset.datasets]
        shares = np.array([float(weight) for weight in weights])
        if len(shares) != len(sizes) or not (np.isfinite(shares).all() and (shares >= 0).all() and shares.sum() > 0):
            raise ValueError(
                f'MixtureSampler: weights must be one number from 0 on for each of {len(sizes)} data sets, and not '
                f'all 0; got {list(weights)}.'
            )
        if epoch_size < 1:
            raise ValueError(f'MixtureSampler: epoch_size={epoch_size}, expected 1 or more.')
        edges = np.concatenate([[0], np.cumsum(sizes)])
        self.members = [np.arange(start, stop) for start, stop in zip(edges[:-1], edges[1:])]
        self.counts = apportioned(shares / shares.sum() * epoch_size)
        self.rank, self.world_size = get_dist_info()
        self.seed = sync_random_seed() if seed is None else seed
        self.epoch = 0

    def __iter__(self) -> Iterator[int]:
        drawn = np.concatenate(
            [
                shuffled_passes(members, self.epoch * count, count, [self.seed, part])
                for part, (members, count) in enumerate(zip(self.members, self.counts))
            ]
        )
        order = drawn[np.random.RandomState([self.seed, self.epoch]).permutation(len(drawn))]
        # the same number for each process: repeat the first ones
        order = np.resize(order, len(self) * self.world_size)
        return iter(order[self.rank :: self.world_size].tolist())

    def __len__(self) -> int:
        """Samples of an epoch in this process."""
        return -(-sum(self.counts) // self.world_size)

    def set_epoch(self, epoch: int) -> None:
        """Use the order of this epoch."""
        self.epoch = epoch


def apportioned(shares: np.ndarray) -> list:
    """Whole numbers near ``shares`` with the same sum: the largest fractions are rounded up."""
    counts = np.floor(shares).astype(int)
    left = round(shares.sum()) - counts.sum()
    counts[np.argsort(counts - shares, kind='stable')[:left]] += 1
    return counts.tolist()
