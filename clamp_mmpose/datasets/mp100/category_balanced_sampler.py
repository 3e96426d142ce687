from typing import Iterator, Optional

import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.dist import get_dist_info, sync_random_seed
from mmpose.datasets import CombinedDataset
from mmpose.registry import DATA_SAMPLERS
from torch.utils.data import Sampler

from clamp_mmpose.datasets.keypoint_rounds import KeypointRounds
from clamp_mmpose.datasets.shuffled_passes import shuffled_passes

from .mp100_dataset import MP100Dataset


@DATA_SAMPLERS.register_module()
class CategoryBalancedSampler(Sampler):
    """Sampler that draws every category equally often, as in the training on MP-100 (Xu et al., ECCV 2022).

    A category's instances are drawn in shuffled passes that continue from one epoch to the next: none is repeated
    before all have been drawn. The order depends only on the seed and the epoch, so a resumed run continues it.

    Args:
        dataset: see :func:`category_labels`.
        seed: the same in all processes; None: a random one that they share.
        epoch_size: samples of an epoch over all processes, rounded down to a multiple of the number of categories;
            None: as published, the number of categories times the size of the largest.

    Raises:
        ValueError: an empty data set, an ``epoch_size`` below the number of categories.
        TypeError: a data set whose categories are not known.
    """

    def __init__(self, dataset: BaseDataset, seed: Optional[int] = None, epoch_size: Optional[int] = None):
        labels = category_labels(dataset)
        if not len(labels):
            raise ValueError('CategoryBalancedSampler: the data set is empty.')
        self.members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
        if epoch_size is not None and epoch_size < len(self.members):
            raise ValueError(
                f'CategoryBalancedSampler: epoch_size={epoch_size} is less than one sample of each of the '
                f'{len(self.members)} categories.'
            )
        self.per_category = max(map(len, self.members)) if epoch_size is None else epoch_size // len(self.members)
        self.rank, self.world_size = get_dist_info()
        self.seed = sync_random_seed() if seed is None else seed
        self.epoch = 0

    def __iter__(self) -> Iterator[int]:
        drawn = np.concatenate([self._drawn(label) for label in range(len(self.members))])
        order = drawn[np.random.RandomState([self.seed, self.epoch]).permutation(len(drawn))]
        # the same number for each process: repeat the first ones
        order = np.resize(order, len(self) * self.world_size)
        return iter(order[self.rank :: self.world_size].tolist())

    def __len__(self) -> int:
        """Samples of an epoch in this process."""
        return -(-self.per_category * len(self.members) // self.world_size)

    def set_epoch(self, epoch: int) -> None:
        """Use the order of this epoch."""
        self.epoch = epoch

    def _drawn(self, label: int) -> np.ndarray:
        """The draws of a category in this epoch: a section of its endless sequence of shuffled passes."""
        return shuffled_passes(
            self.members[label], self.epoch * self.per_category, self.per_category, [self.seed, label]
        )


def category_labels(dataset: BaseDataset) -> np.ndarray:
    """The category of each sample: ``[N]``, int, counted from 0.

    An :class:`MP100Dataset` has its own categories; any other data set counts as one category. The members of a
    :class:`CombinedDataset` share no categories. A sample of :class:`KeypointRounds` has that of its instance.

    Raises:
        ValueError: a CombinedDataset that draws its samples at random (``sample_ratio_factor``).
        TypeError: another wrapper.
    """
    if isinstance(dataset, KeypointRounds):
        return category_labels(dataset.dataset)[[index for index, _ in dataset.samples]]
    if isinstance(dataset, CombinedDataset):
        if dataset.resample:
            raise ValueError(
                'CategoryBalancedSampler cannot know the categories of a CombinedDataset with '
                'sample_ratio_factor: remove it, the sampler balances the categories already.'
            )
        parts = []
        for member in dataset.datasets:
            labels = category_labels(member)
            parts.append(labels + sum(len(np.unique(part)) for part in parts))
        return np.concatenate(parts)
    if isinstance(dataset, MP100Dataset):
        found = [BaseDataset.get_data_info(dataset, i)['category_id'] for i in range(len(dataset))]
        return np.unique(np.array(found, np.int64), return_inverse=True)[1].reshape(-1)
    if not isinstance(dataset, BaseDataset):
        raise TypeError(
            'CategoryBalancedSampler takes MP100Dataset, other data sets, CombinedDataset and KeypointRounds of '
            f'them, not {type(dataset).__name__}.'
        )
    return np.zeros(len(dataset), np.int64)
