"""A config is a file, or a model's name or alias, in every command."""

import pytest

from clamp_mmpose.apis import model_zoo
from clamp_mmpose.apis.model_zoo import configs_root, find_config, find_model, read_config
from clamp_mmpose.cli import check_dataset, export, predict, print_config, train, zero_shot
from clamp_mmpose.cli import test as test_command

CONFIG = 'configs/clamp/ap10k/clamp_vit-b_ap10k.py'


def test_files_have_priority_over_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'clamp_vit-b_ap10k').write_text('a = 1')
    assert str(find_config('clamp_vit-b_ap10k')) == 'clamp_vit-b_ap10k'
    (tmp_path / 'clamp_vit-b_ap10k').unlink()
    assert find_config('clamp_vit-b_ap10k') == configs_root() / CONFIG


def test_aliases(monkeypatch):
    entry = find_model('clamp_vit-b_ap10k')
    monkeypatch.setattr(model_zoo, 'model_zoo', lambda: [entry._replace(aliases=['clamp', 'animals'])])
    assert find_config('clamp') == find_config('animals') == configs_root() / CONFIG


def test_metafiles(tmp_path, monkeypatch):
    monkeypatch.setattr(model_zoo, 'PACKAGE', tmp_path / 'site-packages' / 'clamp_mmpose')
    with pytest.raises(FileNotFoundError, match=r'model-index\.yml was found neither .*: install clamp_mmpose again'):
        configs_root()
    root = tmp_path / 'site-packages/clamp_mmpose/.mim'
    root.mkdir(parents=True)
    (root / 'model-index.yml').write_text('Import: [meta.yml]')
    (root / 'meta.yml').write_text(
        'Models: [{Name: a, Alias: one, Config: a.py}, {Name: b, Alias: [c, d], Config: b.py, Weights: b.pth}]'
    )
    assert configs_root() == root
    assert list(model_zoo.model_zoo()) == [
        ('a', ['one'], str(root / 'a.py'), None),
        ('b', ['c', 'd'], str(root / 'b.py'), 'b.pth'),
    ]


def test_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    (tmp_path / 'mine.py').write_text('a = 1')
    assert find_config('~/mine.py') == tmp_path / 'mine.py'


def test_near_matches_are_files_and_names(tmp_path):
    (tmp_path / 'my_animals.py').write_text('a = 1')
    with pytest.raises(
        FileNotFoundError, match=r'my_animal\.py does not exist \(looked in .*; similar: .*my_animals\.py'
    ):
        find_config(tmp_path / 'my_animal.py')
    with pytest.raises(FileNotFoundError, match=rf'similar: .*clamp_vit-b_ap10k \({CONFIG}\)'):
        find_config('clamp_vitb_ap10k')
    (tmp_path / 'clamp_vit-b_ap10k.py').write_text('a = 1')
    both = rf'{tmp_path}/clamp_vit-b_ap10k\.py, clamp_vit-b_ap10k \({CONFIG}\)'
    with pytest.raises(FileNotFoundError, match=both):
        find_config(tmp_path / 'clamp_vitb_ap10k.py')
    with pytest.raises(FileNotFoundError, match=r'no model has this name\.$'):
        find_config('qqqqqqqqqqqq')


def test_options_are_merged():
    cfg = read_config('clamp_vit-b_ap10k', {'train_dataloader.batch_size': 3})
    assert cfg.train_dataloader.batch_size == 3 and cfg.dataset_type == 'AP10KDataset'


@pytest.mark.parametrize(
    'command, rest',
    [
        (check_dataset, []),
        (export, ['model.pth', '--out', 'out']),
        (predict, ['model.pth', 'image.png']),
        (print_config, []),
        (test_command, ['model.pth']),
        (train, []),
        (zero_shot, ['model.pth']),
    ],
    ids=lambda value: getattr(value, '__name__', '').rpartition('.')[2],
)
def test_every_command_finds_configs_by_name(command, rest, monkeypatch, capsys):
    """All commands use find_config."""
    found = []

    def fail(config):
        found.append(config)
        raise FileNotFoundError('enough')

    monkeypatch.setattr(model_zoo, 'find_config', fail)
    assert command.main(['some-name', *rest]) == 1
    assert found == ['some-name'] and capsys.readouterr().err == 'error: enough\n'
