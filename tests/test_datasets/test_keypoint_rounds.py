"""Which keypoints a sample asks for: the published groups, or drawn anew from those that the crop shows."""

import pickle
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.dataset import RepeatDataset
from mmpose.registry import DATASETS
from mp100_files import DOTS
from torch.utils.data import DataLoader

from clamp_mmpose.data_check.check import check_config
from clamp_mmpose.datasets import keypoint_rounds
from clamp_mmpose.datasets.keypoint_rounds import labeled_keypoints, published_groups
from clamp_mmpose.datasets.mp100.category_balanced_sampler import category_labels
from clamp_mmpose.datasets.nested import nested_datasets
from clamp_mmpose.engine.hooks import EpochSeedHook

ROOT = Path(__file__).parents[2]
CODEC = dict(type='CoordinateAnswer', input_size=(56, 56))


def pipeline(padding=1.25):
    return [
        dict(type='LoadIntactImage'),
        dict(type='GetBBoxCenterScale', padding=padding),
        dict(type='TopdownAffine', input_size=(56, 56)),
        dict(type='GenerateTarget', encoder=CODEC),
        dict(type='GetTextQueries'),
        dict(type='PackTextQueries'),
    ]


def config(mp100, padding=1.25, hidden='ignored', **kwargs):
    """Two mugs with keypoints 0 and 1 of 3 labeled, two pens with both; then, if absent ones count, an empty mug."""
    dataset = dict(
        type='MP100Dataset',
        data_root=str(mp100),
        ann_file='ann.json',
        data_prefix=dict(img='images/'),
        texts=str(mp100 / 'texts'),
        hidden=hidden,
        serialize_data=False,  # serializing collects garbage, half a second each time
        pipeline=pipeline(padding),
    )
    return dict(type='KeypointRounds', dataset=dataset, **kwargs)


def build(mp100, **kwargs):
    return DATASETS.build(config(mp100, **kwargs))


def rounds_of(dataset, indices=None):
    indices = range(len(dataset)) if indices is None else indices
    samples = [dataset[i]['data_samples'] for i in indices]
    return [(sample.id, sample.rounds, sample.redraws) for sample in samples]


def test_published_groups():
    """7 keypoints in groups of 3: each occurs once, and the last group is filled up with two of the first six."""
    groups = list(published_groups([7, 6, 2], 3, seed=0))
    assert [[len(group) for group in of_instance] for of_instance in groups] == [[3, 3, 3], [3, 3], [2]]
    drawn = [keypoint for group in groups[0] for keypoint in group]
    assert sorted(drawn[:7]) == list(range(7)) and set(drawn[7:]) < set(drawn[:6]) and len(set(groups[0][2])) == 3
    assert sorted(groups[1][0] + groups[1][1]) == list(range(6)) and sorted(groups[2][0]) == [0, 1]
    assert groups == list(published_groups([7, 6, 2], 3, seed=0))
    assert groups != list(published_groups([7, 6, 2], 3, seed=1))


def test_each_keypoint_of_an_instance_is_asked_for(mp100):
    dataset = build(mp100, rounds=2)
    assert len(dataset) == 2 + 2 + 1 + 1 and dataset.metainfo['dataset_name'] == 'mp100'
    assert [dataset.get_data_info(i)['id'] for i in range(6)] == [10, 10, 11, 11, 12, 13]
    for i, (number, rounds, redraws) in enumerate(rounds_of(dataset)):
        group = dataset.samples[i][1]
        if redraws == 0:
            assert number == (10, 10, 11, 11, 12, 13)[i]
            assert rounds == [k for k in group if number > 11 or k < 2], 'of a group the labeled ones, in its order'
    assert len(build(mp100, rounds=8)) == 4, 'more rounds than keypoints: one sample with all of them'
    assert sorted(build(mp100, rounds=8)[2]['data_samples'].rounds) == [0, 1]


def test_samples_without_a_label_are_counted(mp100):
    """Single keypoints: one of three of each mug; and all three of the mug with nothing visible."""
    assert build(mp100, rounds=1).unlabeled == 2 and build(mp100, rounds=1, hidden='absent').unlabeled == 5
    assert build(mp100, rounds=1, groups='anew').unlabeled == 0
    assert build(mp100, rounds=1, groups='anew', hidden='absent').unlabeled == 3


def test_groups_depend_on_the_seed_alone(mp100):
    """So that all processes have the same, and the random state stays as it was."""
    np.random.seed(4)
    before = np.random.get_state()[1].copy()
    first = build(mp100, rounds=2).samples
    assert np.array_equal(np.random.get_state()[1], before)
    np.random.seed(5)
    assert build(mp100, rounds=2).samples == first
    assert any(build(mp100, rounds=2, seed=seed).samples != first for seed in range(5))


@pytest.mark.parametrize('groups', ['published', 'anew'])
def test_samples_without_a_labeled_keypoint_are_drawn_again(mp100, groups):
    """Half of the box is 50 pixels around (70, 50): it shows the pens' second keypoint at (90, 60) and nothing else."""
    dataset = build(mp100, padding=0.5, rounds=2, groups=groups)
    np.random.seed(0)
    found = rounds_of(dataset, list(range(6)) * 5)
    assert {(number, *rounds) for number, rounds, _ in found} == {(12, 1), (13, 1)}
    assert all((redraws > 0) == (i % 6 < 4) for i, (*_, redraws) in enumerate(found))
    # a third of the samples is a pen, so a mug is followed by three draws on average
    assert 2 < np.mean([redraws for i, (*_, redraws) in enumerate(found) if i % 6 < 4]) < 4
    np.random.seed(0)
    assert rounds_of(dataset, list(range(6)) * 5) == found


def test_nothing_labeled_ends_with_an_error(mp100, monkeypatch):
    monkeypatch.setattr(keypoint_rounds, 'TRIES', 3)
    dataset = build(mp100, hidden='absent')
    dataset.samples = [sample for sample in dataset.samples if sample[0] == 4]
    with pytest.raises(ValueError, match='3 samples in a row have no labeled keypoint inside the crop'):
        dataset[0]


def test_anew_draws_among_the_labeled_each_time(mp100):
    dataset = build(mp100, rounds=1, groups='anew')
    assert len(dataset) == 3 + 3 + 2 + 2
    np.random.seed(0)
    found = rounds_of(dataset, [0] * 100)
    assert all(number == 10 and redraws == 0 and len(rounds) == 1 for number, rounds, redraws in found)
    assert 35 < sum(rounds == [0] for _, rounds, _ in found) < 65 and {r for _, (r,), _ in found} == {0, 1}
    both = {tuple(rounds) for _, rounds, _ in rounds_of(build(mp100, rounds=4, groups='anew'), [0] * 20)}
    assert both == {(0, 1), (1, 0)}


def test_workers_pickling_and_epochs(mp100):
    """With EpochSeedHook, a batch depends on seed, epoch and indices; a copy in another process gives the same."""

    def epoch(workers, number, copied=False):
        dataset = build(mp100, padding=0.5, rounds=2, groups='anew')
        dataset = pickle.loads(pickle.dumps(dataset)) if copied else dataset
        loader = DataLoader(dataset, batch_size=2, num_workers=workers, collate_fn=list)
        hook = EpochSeedHook()
        runner = SimpleNamespace(seed=1, epoch=number, train_loop=SimpleNamespace(dataloader=loader))
        hook.before_train(runner)
        hook.before_train_epoch(runner)
        samples = [entry['data_samples'] for batch in loader for entry in batch]
        return [(sample.id, sample.rounds, sample.redraws) for sample in samples]

    assert epoch(0, 0) == epoch(2, 0) == epoch(0, 0, copied=True) != epoch(0, 1)


def test_in_and_around_other_wrappers(mp100):
    dataset = DATASETS.build(dict(type='RepeatDataset', times=2, dataset=config(mp100, rounds=2)))
    assert len(dataset) == 12 and dataset[8]['data_samples'].rounds == dataset[2]['data_samples'].rounds
    assert [type(member).__name__ for member in nested_datasets(dataset)] == [
        'MP100Dataset',
        'KeypointRounds',
        'RepeatDataset',
    ]
    inner = config(mp100)['dataset']
    converter = dict(type='KeypointConverter', num_keypoints=5, mapping=[(0, 0), (1, 4)])
    people = dict(from_file='configs/_base_/datasets/coco.py')
    combined = dict(
        type='CombinedDataset', metainfo=people, datasets=[dict(inner, pipeline=[converter]), dict(inner, pipeline=[])]
    )
    mug, pen = [True, True, False], [True, True]
    converted = [True, False, False, False, True]
    found = labeled_keypoints(DATASETS.build(combined))
    assert [labeled.tolist() for labeled in found] == [converted] * 4 + [mug, mug, pen, pen]
    with pytest.raises(ValueError, match='sample_ratio_factor'):
        DATASETS.build(
            dict(type='KeypointRounds', dataset=dict(combined, sample_ratio_factor=[1.0, 0.5])),
        )
    assert category_labels(build(mp100, rounds=2)).tolist() == [0] * 4 + [1] * 2


def test_wrong_settings(mp100):
    with pytest.raises(ValueError, match="groups='new', expected one of 'published', 'anew'"):
        build(mp100, groups='new')
    for rounds in (0, 1.5):
        with pytest.raises(ValueError, match='rounds must be an integer from 1, got'):
            build(mp100, rounds=rounds)
    dataset = build(mp100)
    with pytest.raises(TypeError, match='not RepeatDataset; put other wrappers around KeypointRounds'):
        labeled_keypoints(RepeatDataset(dataset.dataset, 2))
    del dataset.dataset.pipeline.transforms[3]  # GenerateTarget
    with pytest.raises(ValueError, match='a sample has no keypoint_weights'):
        dataset[0]


CHILD = """
_base_ = ['{base}']
steps = [*_base_.load, *_base_.flip, *_base_.augment, *_base_.crop, *_base_.target, *_base_.texts]
train_dataloader = dict(dataset=dict(dataset=dict(ann_file='ann.json', pipeline=steps)))
val_dataloader = dict(dataset=dict(ann_file='ann.json'))
test_dataloader = dict(dataset=dict(ann_file='ann.json'))
"""


def test_config_of_the_data(mp100):
    """A child adds the flip: then the mirrored mug's left rim is where its right rim was."""
    path = mp100 / 'child.py'
    path.write_text(CHILD.format(base=ROOT / 'configs/_base_/data/mp100_224x224.py'))
    cfg = Config.fromfile(path)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        leaf = loader.dataset.get('dataset', loader.dataset)
        leaf.update(data_root=str(mp100), texts=str(mp100 / 'texts'))
    assert cfg.train_dataloader.dataset.rounds == 4 and cfg.train_dataloader.sampler == dict(
        type='DefaultSampler', shuffle=True
    )
    steps = [step.type for step in cfg.train_dataloader.dataset.dataset.pipeline]
    assert steps == [
        'LoadIntactImage',
        'GetBBoxCenterScale',
        'RandomFlip',
        'CapeBBoxTransform',
        'TopdownAffine',
        'GenerateTarget',
        'GetTextQueries',
        'PackTextQueries',
    ]
    cfg.test_evaluator[0].protocols = 'query_only'  # two instances of a category are too few for pairs
    errors = [finding for finding in check_config(cfg).findings if finding.level == 'error']
    assert not errors
    val = DATASETS.build(cfg.val_dataloader.dataset)[0]['data_samples']
    # a box of 100 x 50 around (70, 50) without padding
    np.testing.assert_allclose(val.input_scale, [100, 100])
    assert val.keypoint_descriptions[2] == 'The bottom is the middle of the lower edge.' and 'rounds' not in val

    cfg.train_dataloader.dataset.dataset.pipeline[2].prob = 1.0
    cfg.train_dataloader.dataset.dataset.pipeline[3].update(scale_factor=0.0, rotate_prob=0.0)
    train = DATASETS.build(cfg.train_dataloader.dataset)[0]['data_samples']
    expected = [[(159 - x - 89) / 100 + 0.5, (y - 50) / 100 + 0.5] for x, y in (DOTS[1], DOTS[0])]
    np.testing.assert_allclose(train.gt_instance_labels.keypoint_labels[0, :2], expected, atol=1e-5)
    assert sorted(train.rounds) == [0, 1] and train.keypoint_names[0] == 'left rim'
