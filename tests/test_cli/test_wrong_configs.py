"""Every command answers a wrong config with one line that names it, and what to give instead."""

import re

import pytest

from benchmarks import run as benchmark
from clamp_mmpose.apis import TextPoseInferencer
from clamp_mmpose.apis.model_zoo import read_config
from clamp_mmpose.cli import app, check_dataset, convert_checkpoint, export, predict, print_config, train, zero_shot
from clamp_mmpose.cli import test as test_command

COMMANDS = {
    'app': lambda config: app.main([config, 'model.pth']),
    'check_dataset': lambda config: check_dataset.main([config]),
    'export': lambda config: export.main([config, 'model.pth', '--out', 'out']),
    'predict': lambda config: predict.main([config, 'model.pth', 'image.png']),
    'print_config': lambda config: print_config.main([config]),
    'test': lambda config: test_command.main([config, 'model.pth']),
    'train': lambda config: train.main([config]),
    'zero_shot': lambda config: zero_shot.main([config, 'model.pth']),
    **{
        f'benchmark {kind}': lambda config, kind=kind: benchmark.main([kind, config])
        for kind in ('inference', 'training', 'head', 'texts', 'data')
    },
}
# file name, content and what the line says
CASES = {
    'missing': ('animals.py', None, r'animals\.py does not exist'),
    'folder': ('folder', None, 'folder is a folder: give a config file'),
    'checkpoint': ('model.pth', 'PK', r'model\.pth is not a config: expected a Python file, \.py \(a checkpoint comes'),
    'yml': ('meta.yml', 'Models: []', r'meta\.yml is not a config: expected a Python file'),
    'json': ('config.json', '{}', r'config\.json is not a config'),
    'syntax': ('bad.py', 'model = dict(\n', r'bad\.py cannot be read: SyntaxError'),
    'base': ('child.py', "_base_ = ['./nowhere.py']\n", r'child\.py cannot be read: .*nowhere\.py'),
    'name': ('name.py', 'a = b\n', r"name\.py cannot be read: NameError: name 'b'"),
    'empty': ('empty.py', '', r'empty\.py is empty: expected settings'),
    'exit': ('exit.py', 'import sys\nsys.exit(0)\n', r'exit\.py cannot be read: SystemExit: 0'),
    'unknown user': ('~nobody-has-this-name/a.py', None, r'~nobody-has-this-name/a\.py does not exist'),
}


@pytest.fixture
def wrong(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'folder').mkdir()
    (tmp_path / 'image.png').write_bytes(b'')
    (tmp_path / 'model.pth').write_text('PK')

    def write(case):
        name, content, message = CASES[case]
        if content is not None:
            (tmp_path / name).write_text(content)
        return name, message

    return write


@pytest.mark.parametrize('command', COMMANDS)
@pytest.mark.parametrize('case', CASES)
def test_one_line(command, case, wrong, capsys):
    name, message = wrong(case)
    assert COMMANDS[command](name) == 1
    text = capsys.readouterr().err
    assert text.startswith('error: config ') and text.count('\n') == 1
    assert re.search(message, text), text


@pytest.mark.parametrize('case', CASES)
def test_in_python(case, wrong):
    name, message = wrong(case)
    with pytest.raises((FileNotFoundError, ValueError), match=message):
        TextPoseInferencer(name, 'model.pth')


@pytest.mark.parametrize('case', ['missing', 'folder', 'checkpoint', 'syntax', 'name', 'empty'])
def test_config_of_a_released_checkpoint(case, wrong, capsys):
    name, _ = wrong(case)
    assert convert_checkpoint.main(['clamp', 'model.pth', '--model-config', name, '--out', 'out']) == 1
    text = capsys.readouterr().err
    assert text.startswith('error: ') and text.count('\n') == 1


def test_settings_that_do_not_fit(tmp_path, capsys):
    (tmp_path / 'a.py').write_text("x = 1\ny = [dict(z=1)]\nname = ''\n")
    for option in ('x.y=1', 'y.5.z=1'):
        assert print_config.main([str(tmp_path / 'a.py'), '--cfg-options', option]) == 1
        text = capsys.readouterr().err
        key = option.partition('=')[0]
        assert text.startswith(f'error: {key}=1 cannot be set in config ') and text.count('\n') == 1


def test_similar_names_of_other_case_and_of_which_it_is_a_part():
    for name in ('CLAMP_RN50_AP10K', 'rn50_ap10k'):
        with pytest.raises(FileNotFoundError, match=r'similar: .*clamp_rn50_ap10k \(configs/clamp/ap10k/'):
            read_config(name)


def test_a_name_that_no_file_can_have():
    with pytest.raises(FileNotFoundError, match='xx does not exist'):
        read_config('x' * 300)
