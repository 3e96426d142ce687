import random
from copy import deepcopy
from typing import Any, Iterator, List, Sequence, Tuple, Union

import numpy as np
from mmengine.dataset import BaseDataset
from mmpose.datasets import CombinedDataset
from mmpose.datasets.transforms import KeypointConverter
from mmpose.registry import DATASETS
from torch.utils.data import Dataset

from clamp_mmpose.utils.choices import check_choice

GROUPS = ('published', 'anew')
TRIES = 100  # samples drawn in a row without a labeled keypoint before an error
NOT_PACKED = (
    'KeypointRounds: a sample has no keypoint_weights: the pipeline of its dataset must end with GenerateTarget '
    '(encoder of type CoordinateAnswer) and PackTextQueries, and wrappers such as CombinedDataset belong inside.'
)


@DATASETS.register_module()
class KeypointRounds(Dataset):
    """Training data set whose samples ask for at most k keypoints of an instance (CapeLLM, section 3.2).

    An instance of K keypoints occurs ceil(K / k) times. Each sample gets ``rounds``, the indices of the keypoints to
    ask for, all of them labeled, and ``redraws``: how many samples were drawn at random before it, because none of
    their keypoints was labeled after the crop.

    Args:
        dataset: a data set of instances, or its config; :class:`CombinedDataset` as well. Its pipeline makes
            ``keypoint_weights`` and packs the sample.
        rounds: k.
        groups: ``'published'``: the K keypoints are shuffled once and cut into groups, the last one filled up with
            others; of a group the labeled ones are asked for. ``'anew'``: each time k of the labeled keypoints are
            drawn. If k > K, a sample has at most K keypoints; the published code stops with an error.
        seed: of the published groups; the same in all processes. Everything else is drawn from NumPy's random state.
        lazy_init: as for MMEngine's data sets.

    Attributes:
        unlabeled: samples whose keypoints have no label in the annotations.

    Raises:
        ValueError: ``rounds`` is below 1, unknown ``groups``, samples without ``keypoint_weights``, or 100 samples in a
            row without a labeled keypoint.
        TypeError: a data set whose numbers of keypoints are not known.
    """

    def __init__(
        self,
        dataset: Union[BaseDataset, dict],
        rounds: int = 4,
        groups: str = 'published',
        seed: int = 42,
        lazy_init: bool = False,
    ):
        check_choice('KeypointRounds: groups', groups, GROUPS)
        if not isinstance(rounds, int) or rounds < 1:
            raise ValueError(f'KeypointRounds: rounds must be an integer from 1, got {rounds!r}.')
        self.dataset: BaseDataset = DATASETS.build(dataset) if isinstance(dataset, dict) else dataset
        self.rounds, self.groups, self.seed = rounds, groups, seed
        self.samples: List[Tuple[int, List[int]]] = []  # index of the instance, keypoints of the group
        self.unlabeled = 0
        self._fully_initialized = False
        if not lazy_init:
            self.full_init()

    @property
    def metainfo(self) -> dict:
        """That of the data set."""
        return deepcopy(self.dataset.metainfo)

    def full_init(self) -> None:
        """Load the annotations and make the groups."""
        if not self._fully_initialized:
            self.dataset.full_init()
            labeled = labeled_keypoints(self.dataset)
            groups = published_groups([len(own) for own in labeled], self.rounds, self.seed)
            self.samples = [(index, group) for index, of_instance in enumerate(groups) for group in of_instance]
            self.unlabeled = sum(
                not labeled[index][group if self.groups == 'published' else slice(None)].any()
                for index, group in self.samples
            )
            self._fully_initialized = True

    def get_data_info(self, idx: int) -> dict:
        """The instance of a sample, before the pipeline."""
        self.full_init()
        return self.dataset.get_data_info(self.samples[idx][0])

    def __getitem__(self, idx: int) -> dict:
        self.full_init()
        for redraws in range(TRIES):
            index, group = self.samples[idx]
            sample = self.dataset[index]
            rounds = self._rounds(_labeled(sample), group)
            if rounds:
                sample['data_samples'].set_metainfo(dict(rounds=rounds, redraws=redraws))
                return sample
            idx = np.random.randint(len(self))
        raise ValueError(
            f'KeypointRounds: {TRIES} samples in a row have no labeled keypoint inside the crop; '
            'tools/check_dataset.py shows what is wrong with the annotations.'
        )

    def __len__(self) -> int:
        self.full_init()
        return len(self.samples)

    def _rounds(self, labeled: np.ndarray, group: List[int]) -> List[int]:
        if self.groups == 'anew':
            return np.random.permutation(labeled)[: self.rounds].tolist()
        return [keypoint for keypoint in group if keypoint in labeled]


def published_groups(counts: Sequence[int], rounds: int, seed: int) -> Iterator[List[List[int]]]:
    """For each instance, its keypoints in groups of ``rounds``, drawn in the order of the published code.

    Args:
        counts: the number K of keypoints of each instance.
    """
    shuffling, sampling = np.random.RandomState(seed), random.Random(seed)
    for number in counts:
        order = list(range(number))
        shuffling.shuffle(order)
        rest = number % rounds
        if rest and number > rounds:
            order += sampling.sample(order[:-rest], rounds - rest)
        yield [order[start : start + rounds] for start in range(0, number, rounds)]


def labeled_keypoints(dataset: Any) -> List[np.ndarray]:
    """Which keypoints of each instance are labeled in the annotations, ``[K]`` bool.

    Raises:
        ValueError: a CombinedDataset that draws its samples at random (``sample_ratio_factor``).
        TypeError: another wrapper, or instances without keypoints.
    """
    if isinstance(dataset, CombinedDataset):
        if dataset.resample:
            raise ValueError('KeypointRounds does not take a CombinedDataset with sample_ratio_factor; remove it.')
        return [labeled for member in dataset.datasets for labeled in labeled_keypoints(member)]
    if not isinstance(dataset, BaseDataset):
        raise TypeError(
            'KeypointRounds takes data sets of instances and CombinedDataset of them, not '
            f'{type(dataset).__name__}; put other wrappers around KeypointRounds.'
        )
    # CombinedDataset's members have its keypoints
    converters = [step for step in dataset.pipeline.transforms if isinstance(step, KeypointConverter)]
    found = []
    for i in range(len(dataset)):
        info = BaseDataset.get_data_info(dataset, i)  # MMPose's copies the metainfo
        if 'keypoints' not in info:
            raise TypeError(f'KeypointRounds: the samples of {type(dataset).__name__} have no keypoints.')
        keypoints: Any = {key: info[key] for key in ('keypoints', 'keypoints_visible')}
        for converter in converters:
            keypoints = converter(keypoints)
        visible = keypoints['keypoints_visible'][0]
        found.append((visible if visible.ndim == 1 else visible[:, 0]) > 0)
    return found


def _labeled(sample: Any) -> np.ndarray:
    """Indices of the keypoints that are labeled after the crop."""
    packed = sample.get('data_samples') if isinstance(sample, dict) else None
    labels = packed.get('gt_instance_labels') if packed is not None else None
    if labels is None or 'keypoint_weights' not in labels:
        raise ValueError(NOT_PACKED)
    return np.flatnonzero(np.asarray(labels.keypoint_weights).reshape(-1) > 0)
