"""Every category equally often, every image once before any is repeated, the same order after a resume."""

import json
from collections import Counter

import numpy as np
import pytest
from mmengine.dataset import RepeatDataset
from mmpose.registry import DATA_SAMPLERS, DATASETS

from clamp_mmpose.datasets.mp100 import category_balanced_sampler
from clamp_mmpose.datasets.mp100.category_balanced_sampler import category_labels

SIZES = dict(mug=2, pen=5, cup=3)


def write(folder, sizes):
    """An MP100Dataset with ``sizes`` instances of each category; all images are the same file."""
    (folder / 'texts').mkdir(parents=True)
    (folder / '0.png').touch()
    (folder / 'texts/one.yml').write_text('keypoints:\n- tip: The tip is the end.\nskeleton: []\nswap: []\n')
    (folder / 'texts/mp100.yml').write_text(
        '\n'.join(
            f'- {{id: {i}, slug: {name}, name: {name}, supercategory: a, num_keypoints: 1, split: 1, layout: one}}'
            for i, name in enumerate(sizes, 5)
        )
    )
    rows = sorted((k, i) for i, size in enumerate(sizes.values(), 5) for k in range(size))
    content = dict(
        images=[dict(id=j, file_name='0.png', width=90, height=90) for j in range(len(rows))],
        annotations=[
            dict(id=j, image_id=j, category_id=i, bbox=[1, 2, 30, 40], area=9, keypoints=[5, 6, 2])
            for j, (_, i) in enumerate(rows)
        ],
        categories=[dict(id=i, name=name, supercategory='a', keypoints=['0']) for i, name in enumerate(sizes, 5)],
    )
    (folder / 'ann.json').write_text(json.dumps(content))
    return dict(type='MP100Dataset', data_root=str(folder), ann_file='ann.json', texts=str(folder / 'texts'))


@pytest.fixture
def dataset(tmp_path):
    return DATASETS.build(write(tmp_path / 'a', SIZES))


def sampler(dataset, **kwargs):
    return DATA_SAMPLERS.build(dict(dict(type='CategoryBalancedSampler', dataset=dataset, seed=3), **kwargs))


def test_labels(dataset):
    assert category_labels(dataset).tolist() == [0, 1, 2, 0, 1, 2, 1, 2, 1, 1]


def test_published_length_and_balance(dataset):
    """3 categories times the 5 of the largest; 5 draws of two mugs: one twice, the other three times."""
    balanced = sampler(dataset)
    labels = category_labels(dataset)
    for epoch in range(3):
        balanced.set_epoch(epoch)
        drawn = list(balanced)
        assert len(drawn) == len(balanced) == 15
        assert Counter(labels[drawn].tolist()) == {0: 5, 1: 5, 2: 5}
        counts = Counter(drawn)
        assert sorted(counts[i] for i in (0, 3)) == [2, 3] and [counts[i] for i in (1, 4, 6, 8, 9)] == [1] * 5
        assert sorted(counts[i] for i in (2, 5, 7)) == [1, 2, 2]
    assert labels[drawn].tolist() != sorted(labels[drawn].tolist()), 'categories are mixed'


def test_passes_go_on_over_epochs(dataset):
    """Two draws of each category an epoch: after five epochs each pen was drawn twice, each mug five times."""
    balanced = sampler(dataset, epoch_size=8)
    assert len(balanced) == 6
    seen = Counter()
    for epoch in range(5):
        balanced.set_epoch(epoch)
        seen.update(balanced)
        pens = [seen[i] for i in (1, 4, 6, 8, 9)]
        assert max(pens) - min(pens) <= 1
    assert pens == [2] * 5 and [seen[i] for i in (0, 3)] == [5, 5]


def test_order_depends_on_seed_and_epoch_alone(dataset):
    first = sampler(dataset)
    orders = []
    for epoch in range(4):
        first.set_epoch(epoch)
        orders.append(list(first))
    assert len(set(map(tuple, orders))) == 4
    resumed = sampler(dataset)
    resumed.set_epoch(3)
    np.random.seed(9)
    assert list(resumed) == orders[3] == list(resumed)
    assert list(sampler(dataset, seed=4)) != orders[0]


def test_processes_share_the_epoch(dataset, monkeypatch):
    """Four processes draw 4 of 15 each, the first one is repeated; together they are the order of a single process."""
    alone = list(sampler(dataset))
    shares = []
    for rank in range(4):
        monkeypatch.setattr(category_balanced_sampler, 'get_dist_info', lambda rank=rank: (rank, 4))
        part = sampler(dataset)
        shares.append(list(part))
        assert len(part) == len(shares[-1]) == 4
    assert [index for step in zip(*shares) for index in step] == [*alone, alone[0]]


def test_seed_of_the_runner(dataset):
    """The runner passes its seed, or None: then the processes share a random one."""
    assert isinstance(sampler(dataset, seed=None).seed, int)


def test_combined(dataset, tmp_path, pose_data):
    """The members share no categories; a stock data set is one category."""
    coco = dict(
        type='CocoDataset',
        data_root=str(pose_data / 'mmpose_coco'),
        ann_file='test_coco.json',
        data_prefix=dict(img=''),
    )
    combined = dict(
        type='CombinedDataset',
        metainfo=dict(from_file='configs/_base_/datasets/coco.py'),
        datasets=[coco, write(tmp_path / 'b', dict(mug=2, pen=1)), write(tmp_path / 'c', dict(mug=3))],
    )
    dataset = DATASETS.build(combined)
    people = dataset.lens[0]
    assert category_labels(dataset).tolist() == [0] * people + [1, 2, 1] + [3] * 3
    drawn = list(sampler(dataset, epoch_size=40))
    assert Counter(category_labels(dataset)[drawn].tolist()) == {0: 10, 1: 10, 2: 10, 3: 10}
    with pytest.raises(ValueError, match='sample_ratio_factor'):
        sampler(DATASETS.build(dict(combined, sample_ratio_factor=[1.0, 0.5, 1.0])))


def test_wrong_inputs(dataset):
    with pytest.raises(ValueError, match='epoch_size=2 is less than one sample of each of the 3'):
        sampler(dataset, epoch_size=2)
    with pytest.raises(TypeError, match='RepeatDataset'):
        sampler(RepeatDataset(dataset, 2))
    with pytest.raises(ValueError, match='empty'):
        sampler(dataset.get_subset([]))
