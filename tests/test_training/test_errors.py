"""Bad input raises an error that names the file and what to do."""

import json

import pytest
import torch
from mmengine.config import Config
from tiny import write_config, write_dots

from clamp_mmpose.engine.launch import build_runner


@pytest.fixture
def data(tmp_path):
    return write_dots(tmp_path / 'data')


def runner_of(data, name, **options):
    cfg = Config.fromfile(write_config(data.parent / 'dots.py', data))
    cfg.merge_from_dict({'train_dataloader.num_workers': 0, 'train_cfg.max_epochs': 1})
    cfg.merge_from_dict(options)
    cfg.work_dir, cfg.launcher, cfg.experiment_name = str(data.parent / 'work'), 'none', name
    return build_runner(cfg)


@pytest.mark.parametrize(
    'damage, message',
    [
        (lambda path: path.unlink(), r'image .*003\.png does not exist: check the path, or restore the file'),
        (lambda path: path.write_bytes(path.read_bytes()[:2000]), r'image .*003\.png is truncated \(2,000 bytes\)'),
        (lambda path: path.write_bytes(b'hello'), r'003\.png cannot be decoded \(5 bytes\).*tools/check_dataset\.py'),
        (lambda path: path.write_bytes(b''), r'image .*003\.png cannot be decoded \(0 bytes\)'),
    ],
)
@pytest.mark.parametrize('workers', [0, 2])
@pytest.mark.slow
def test_bad_image(data, damage, message, workers, request):
    damage(data / 'images' / '003.png')
    runner = runner_of(data, request.node.name, **{'train_dataloader.num_workers': workers})
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        runner.train()


@pytest.mark.slow
def test_wrong_number_of_keypoints(data, tmp_path):
    content = json.loads((data / 'dots.json').read_text())
    content['annotations'][7]['keypoints'] += [1, 2, 2]
    (data / 'dots.json').write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"dots\.json: annotation 7 has 6 keypoints, the metainfo of 'dots' has 5"):
        runner_of(data, 'wrong_k').train()


def test_missing_annotations(data):
    (data / 'dots.json').write_bytes((data / 'dots.json').read_bytes()[:-100])
    with pytest.raises(ValueError, match=r'dots\.json are truncated \([\d,]+ bytes\): copy or download'):
        runner_of(data, 'truncated_annotations')
    (data / 'dots.json').unlink()
    missing = r'dots\.json do not exist .*train_dataloader\.dataset\.ann_file=FILE'
    with pytest.raises(FileNotFoundError, match=missing):
        runner_of(data, 'missing')
    dataset = Config.fromfile(data.parent / 'dots.py').train_dataloader.dataset
    wrapped = dict(
        type='CombinedDataset',
        metainfo=dict(from_file='configs/_base_/datasets/coco.py'),
        datasets=[dict(type='RepeatDataset', times=2, dataset=dataset)],
    )
    inside = missing.replace('dataset', r'dataset\.datasets\.0\.dataset')
    with pytest.raises(FileNotFoundError, match=inside):
        runner_of(
            data,
            'missing_inside',
            **{'train_dataloader.dataset': wrapped, 'val_dataloader': None, 'val_cfg': None, 'val_evaluator': None},
        )


def test_wrong_names(data):
    with pytest.raises(ValueError, match='the data have 5 keypoints, the head has 2 names'):
        runner_of(data, 'wrong_names', **{'model.head.names': ['nose', 'tail']}).train()


def test_truncated_checkpoint_on_resume(data, tmp_path):
    torch.save(dict(state_dict={}, meta=dict(epoch=1)), tmp_path / 'whole.pth')
    content = (tmp_path / 'whole.pth').read_bytes()
    (tmp_path / 'epoch_1.pth').write_bytes(content[:-200])
    runner = runner_of(data, 'truncated', resume=True, load_from=str(tmp_path / 'epoch_1.pth'))
    with pytest.raises(ValueError, match=r'epoch_1\.pth cannot be read .* resume from an earlier one'):
        runner.train()


def test_foreign_checkpoint(data, tmp_path):
    torch.save(dict(state_dict={'backbone.conv1.weight': torch.zeros(3)}), tmp_path / 'foreign.pth')
    runner = runner_of(data, 'foreign_test', load_from=str(tmp_path / 'foreign.pth'))
    with pytest.raises(ValueError, match=r'foreign\.pth does not fit this model: \d+ of \d+ weights are'):
        runner.test()
    runner = runner_of(data, 'foreign_train', load_from=str(tmp_path / 'foreign.pth'))
    with pytest.raises(ValueError, match=r'foreign\.pth does not fit this model'):
        runner.train()


@pytest.mark.slow
def test_partial_checkpoint_can_start_training_but_not_testing(data, tmp_path):
    runner = runner_of(data, 'whole')
    weights = {name: value for name, value in runner.model.state_dict().items() if name.startswith('backbone.')}
    torch.save(dict(state_dict=weights), tmp_path / 'backbone.pth')
    runner_of(data, 'part', load_from=str(tmp_path / 'backbone.pth')).train()
    with pytest.raises(ValueError, match='does not fit this model'):
        runner_of(data, 'part_test', load_from=str(tmp_path / 'backbone.pth')).test()


def test_foreign_checkpoint_on_automatic_resume(data):
    (data.parent / 'work').mkdir()
    foreign = data.parent / 'work' / 'epoch_1.pth'
    torch.save(dict(state_dict={'backbone.conv1.weight': torch.zeros(3)}), foreign)
    (data.parent / 'work' / 'last_checkpoint').write_text(str(foreign))
    runner = runner_of(data, 'foreign_resume', resume=True)
    with pytest.raises(ValueError, match=r'epoch_1\.pth does not fit this model'):
        runner.train()


def test_missing_annotations_of_the_test_set(data):
    (data / 'dots.json').unlink()
    rest = {f'{part}_{what}': None for part in ('train', 'val') for what in ('dataloader', 'cfg')}
    with pytest.raises(FileNotFoundError, match=r'dots\.json do not exist .*test_dataloader\.dataset\.ann_file=FILE'):
        runner_of(
            data, 'missing_test', val_evaluator=None, optim_wrapper=None, **rest, **{'test_dataloader.num_workers': 0}
        )
