"""``clamp-mmpose``: the list of commands, their examples, and MMPose imported only after the arguments are right."""

import importlib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import clamp_mmpose
import clamp_mmpose_command
from clamp_mmpose.cli.commands import COMMANDS
from clamp_mmpose.cli.main import main

ROOT = Path(__file__).parents[2]


@pytest.fixture
def registered(monkeypatch):
    calls = []
    monkeypatch.setattr(clamp_mmpose, 'register', lambda: calls.append(1))
    return calls


@pytest.mark.parametrize('name', COMMANDS)
def test_examples_are_right_and_end_the_help(name):
    module = importlib.import_module(f'clamp_mmpose.cli.{COMMANDS[name].module}')
    parser, examples = module.make_parser(), COMMANDS[name].examples
    assert len(set(examples)) == 2 and callable(module.run)
    for example in examples:
        parser.parse_args(shlex.split(example))
    listed = [f'  clamp-mmpose {name} {example}'.rstrip() for example in examples]
    assert parser.prog == f'clamp-mmpose {name}'
    assert parser.format_help().splitlines()[-3:] == ['examples:', *listed]


def test_the_list_has_all_commands(capsys):
    assert main([]) == main(['--help']) == 0
    text = capsys.readouterr().out
    assert re.findall(r'^  ([\w-]+)  +\w', text, re.MULTILINE) == [*COMMANDS] * 2
    assert {'train', 'test', 'predict', 'import', 'new-config', 'check', 'export', 'app'} <= set(COMMANDS)
    assert {'report', 'texts', 'judge', 'chat', 'score-mp100'} <= set(COMMANDS)
    assert main(['--version']) == 0 and capsys.readouterr().out == f'clamp_mmpose {clamp_mmpose.__version__}\n'


def test_every_script_in_tools_is_a_command():
    scripts = {path.stem for path in (ROOT / 'tools').glob('**/*.py')}
    assert scripts <= {command.module for command in COMMANDS.values()}


def test_unknown_commands_are_wrong_usage(capsys):
    assert main(['trian', 'config.py']) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "clamp-mmpose: error: there is no command 'trian': did you mean train?"
    )
    assert main(['zzz']) == 2 and 'clamp-mmpose --help lists them.' in capsys.readouterr().err


def test_mmpose_is_imported_after_the_arguments_and_only_if_needed(registered, capsys):
    with pytest.raises(SystemExit):
        main(['train'])
    assert registered == []
    assert clamp_mmpose_command.main(['train', 'nowhere.py']) == 1
    assert registered == [1] and not clamp_mmpose_command.parses_first
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith('error: config nowhere.py does not exist')
    files = ['--ann', 'nowhere.json', '--predictions', 'p.json', '--protocol', 'pairs']
    assert main(['score-mp100', *files]) == 1 and registered == [1]


def test_the_list_starts_without_the_libraries():
    done = subprocess.run(
        [sys.executable, '-X', 'importtime', '-m', 'clamp_mmpose_command'],
        capture_output=True,
        text=True,
        env=dict(os.environ, PYTHONPATH=str(ROOT)),
    )
    imported = {line.rpartition('|')[2].strip() for line in done.stderr.splitlines()}
    assert done.returncode == 0 and 'clamp_mmpose.cli.commands' in imported
    assert imported.isdisjoint({'torch', 'mmpose', 'mmengine', 'numpy'})
