from types import SimpleNamespace

import pytest
from mmengine.config import Config

from clamp_mmpose.datasets.nested import leaf_configs, nested_datasets
from clamp_mmpose.engine.launch import check_annotation_files

A, B, C = (dict(type='CocoDataset', ann_file=f'{name}.json') for name in 'abc')


def test_every_leaf_with_its_place():
    loader = dict(
        batch_size=2,
        dataset=dict(
            type='CombinedDataset',
            datasets=[
                A,
                dict(type='RepeatDataset', times=2, dataset=B),
                dict(type='ZeroShotTasks', tasks=dict(acts=C, no=None)),
            ],
        ),
    )
    assert list(leaf_configs(loader, 'train_dataloader')) == [
        ('train_dataloader.dataset.datasets.0', A),
        ('train_dataloader.dataset.datasets.1.dataset', B),
        ('train_dataloader.dataset.datasets.2.tasks.acts', C),
    ]


def test_places_are_keys_of_cfg_options():
    cfg = Config(dict(train_dataloader=dict(dataset=dict(datasets=[dict(A), dict(dataset=dict(B))]))))
    for i, (where, _) in enumerate(leaf_configs(cfg.train_dataloader, 'train_dataloader')):
        cfg.merge_from_dict({f'{where}.ann_file': f'{i}.json'})
    assert cfg.train_dataloader.dataset.datasets[0].ann_file == '0.json'
    assert cfg.train_dataloader.dataset.datasets[1].dataset.ann_file == '1.json'


@pytest.mark.parametrize(
    'config, number',
    [(None, 0), (7, 0), ({}, 1), (dict(datasets=[]), 0), (dict(datasets=(A, B)), 2), (dict(dataset=3), 1)],
)
def test_only_configs_that_are_not_wrappers_are_leaves(config, number):
    assert len(list(leaf_configs(config, 'val_dataloader'))) == number


def test_inner_data_sets_come_before_their_wrapper():
    inner = [SimpleNamespace() for _ in range(2)]
    both = SimpleNamespace(datasets=inner)
    wrapper = SimpleNamespace(dataset=both)
    assert list(map(id, nested_datasets(wrapper))) == list(map(id, [*inner, both, wrapper]))
    assert list(nested_datasets(inner[0])) == [inner[0]]


def test_the_missing_file_is_named_with_its_place(tmp_path):
    (tmp_path / 'a.json').write_text('{}')
    members = [dict(A, data_root=str(tmp_path)), dict(type='RepeatDataset', dataset=dict(B, data_root=str(tmp_path)))]
    cfg = Config(dict(train_dataloader=dict(dataset=dict(type='CombinedDataset', datasets=members))))
    expected = r'b\.json do not exist .*train_dataloader\.dataset\.datasets\.1\.dataset\.ann_file=FILE'
    with pytest.raises(FileNotFoundError, match=expected):
        check_annotation_files(cfg)


def test_lists_and_files_of_other_storages_pass(tmp_path):
    (tmp_path / 'a.json').write_text('[]\n')
    members = (dict(A, data_root=str(tmp_path)), dict(B, ann_file='s3://bucket/b.json'))
    check_annotation_files(Config(dict(train_dataloader=dict(dataset=dict(datasets=members)))))


def test_absent_zero_shot_data_sets_are_left_to_the_test():
    tasks = dict(acts=dict(type='ZeroShotDataset', ann_file='no.json'))
    check_annotation_files(Config(dict(test_dataloader=dict(dataset=dict(type='ZeroShotTasks', tasks=tasks)))))
