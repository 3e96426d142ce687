"""Exit codes of the commands, and user errors in one line on standard error."""

import io
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmpose.registry import MODELS

from benchmarks import run as benchmark
from clamp_mmpose.cli import (
    ap10k_splits,
    app,
    check_dataset,
    coco_subset,
    convert_checkpoint,
    predict,
    score_mp100,
    train,
)
from clamp_mmpose.cli import test as test_command
from clamp_mmpose.cli.command import build_parser, one_line, run_command

ROOT = Path(__file__).parents[2]
TOOLS = sorted(
    path
    for path in [*(ROOT / 'tools').glob('*.py'), *(ROOT / 'tools' / 'datasets').glob('*.py')]
    if 'clamp_mmpose' in path.read_text()
)


def end(work, argv, capsys):
    code = run_command(build_parser('A command.'), work, argv)
    return code, capsys.readouterr().err


def fail(error):
    def work(args):
        raise error

    return work


def test_exit_codes(capsys):
    assert end(lambda args: None, [], capsys) == (0, '')
    assert end(lambda args: 3, [], capsys) == (3, '')
    assert end(fail(ValueError('a\n  b')), [], capsys) == (1, 'error: a b\n')
    with pytest.raises(SystemExit) as exit_of_argparse:
        end(lambda args: None, ['--unknown'], capsys)
    assert exit_of_argparse.value.code == 2


@pytest.mark.parametrize(
    'error',
    [FileNotFoundError(2, 'No such file', 'x'), ImportError('install y'), ValueError('z'), NotImplementedError('ops')],
)
def test_user_errors_are_one_line_without_debug(error, capsys):
    assert end(fail(error), [], capsys) == (1, f'error: {error}\n')
    with pytest.raises(type(error)):
        end(fail(error), ['--debug'], capsys)


def test_errors_in_a_config_are_user_errors_and_other_errors_are_not(tmp_path, capsys):
    code, text = end(lambda args: MODELS.build(dict(type='NoSuchModel')), [], capsys)
    assert code == 1 and text.startswith("error: KeyError: 'NoSuchModel is not in the mmpose::model registry.")
    assert text.endswith('(--debug shows where)\n') and text.count('\n') == 1
    code, text = end(lambda args: MODELS.build(dict(type='TopdownPoseEstimator', tail=1)), [], capsys)
    assert code == 1 and "unexpected keyword argument 'tail'" in text
    wrong = dict(by_epoch=True, max_epoch=1)
    runner = SimpleNamespace(_train_dataloader=None)
    code, text = end(lambda args: Runner.build_train_loop(runner, wrong), [], capsys)
    assert code == 1 and "unexpected keyword argument 'max_epoch'" in text
    (tmp_path / 'config.py').write_text('a = b')
    code, text = end(lambda args: Config.fromfile(tmp_path / 'config.py'), [], capsys)
    assert code == 1 and text == "error: NameError: name 'b' is not defined (--debug shows where)\n"
    assert one_line(ValueError()).startswith('ValueError')
    for error in (KeyError('a'), TypeError('b'), RuntimeError('c')):
        with pytest.raises(type(error)):
            end(fail(error), [], capsys)


def test_error_of_a_loader_worker():
    """PyTorch includes the worker's traceback in the message."""

    class Broken(torch.utils.data.Dataset):
        def __len__(self):
            return 1

        def __getitem__(self, index):
            raise ValueError('image x.png is truncated: copy it again.')

    with pytest.raises(ValueError) as caught:
        list(torch.utils.data.DataLoader(Broken(), num_workers=1))
    assert one_line(caught.value) == 'image x.png is truncated: copy it again.'


@pytest.mark.parametrize('command', [train, check_dataset])
def test_missing_config(command, capsys):
    assert command.main(['nowhere.py']) == 1
    text = capsys.readouterr().err
    assert text.startswith('error: ') and 'nowhere.py' in text and text.count('\n') == 1


def test_debug_reaches_subcommands(tmp_path):
    arguments = ['clamp', 'nowhere.pth', '--model-config', 'nowhere.py', '--out', str(tmp_path)]
    for argv in (['--debug', *arguments], [*arguments, '--debug']):
        with pytest.raises(FileNotFoundError):
            convert_checkpoint.main(argv)


@pytest.mark.parametrize('tool', TOOLS, ids=lambda path: path.stem)
def test_help_imports_no_torch(tool):
    done = subprocess.run(
        [sys.executable, '-X', 'importtime', str(tool), '--help'],
        capture_output=True,
        text=True,
        env=dict(os.environ, PYTHONPATH=str(ROOT)),
    )
    assert done.returncode == 0 and '--debug' in done.stdout
    imported = {line.rpartition('|')[2].strip() for line in done.stderr.splitlines()}
    assert imported.isdisjoint({'torch', 'mmpose', 'cv2'})


def test_tools_are_found():
    assert len(TOOLS) >= 11


def test_importing_the_package_imports_no_library_of_single_models():
    code = 'import sys, clamp_mmpose; print(sorted({"open_clip", "timm", "gradio", "onnxruntime"} & set(sys.modules)))'
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', code],
        capture_output=True,
        text=True,
        env=dict(os.environ, PYTHONPATH=str(ROOT)),
    )
    assert done.stdout == '[]\n', done.stderr[-2000:]


@pytest.mark.parametrize(
    'make_parser, argv',
    [
        (check_dataset.make_parser, ['config', '--workers', '0']),
        (train.make_parser, ['config', '--interval', '-1']),
        (test_command.make_parser, ['config', 'model', '--interval', '0']),
        (test_command.make_parser, ['config', 'model', '--wait-time', 'nan']),
        (predict.make_parser, ['config', 'model', 'image', '--batch-size', '-1']),
        (app.make_parser, ['config', 'model', '--port', '-1']),
        (score_mp100.make_parser, [*['--ann', 'a', '--predictions', 'b', '--protocol', 'pairs'], '--episodes', '0']),
        (ap10k_splits.make_parser, ['folder', '--shots', '-3']),
        (ap10k_splits.make_parser, ['folder', '--seed', '-1']),
        (coco_subset.make_parser, ['file', '--percent', '5', '101']),
        (coco_subset.make_parser, ['file', '--percent', 'inf']),
        (coco_subset.make_parser, ['file', '--seeds', '0', 'x']),
        (benchmark.make_parser, ['inference', 'config', '--batch-size', '0']),
        (benchmark.make_parser, ['data', 'config', '--seconds', '0']),
        (benchmark.make_parser, ['head', 'config', '--threads', '-2']),
    ],
)
def test_numbers_that_cannot_be_used_are_wrong_usage(make_parser, argv, capsys):
    with pytest.raises(SystemExit) as stop:
        make_parser().parse_args(argv)
    error = capsys.readouterr().err.splitlines()[-1]
    option = [word for word in argv if word.startswith('--')][-1]
    assert stop.value.code == 2 and f'argument {option}: {argv[-1]!r}, expected a' in error


@pytest.mark.parametrize(
    'text, value',
    [
        ('My Drive (old)/fox', 'My Drive (old)/fox'),  # MMEngine reads MyDrive(old)/fox
        ("['left ear', nose]", ['left ear', 'nose']),
        ('[ left ear , nose ]', ['left ear', 'nose']),
        ('[(1, 2), (3.5, None)]', [(1, 2), (3.5, None)]),
        ('1e-3', 0.001),
        ('True', True),
        ('', ''),
    ],
)
def test_values_of_cfg_options_keep_their_spaces(text, value):
    assert train.make_parser().parse_args(['x.py', '--cfg-options', f'a.b={text}']).cfg_options == {'a.b': value}


@pytest.mark.parametrize(
    'option, said',
    [('lr', "'lr', expected KEY=VALUE"), ('a=[1,2', "'[1,2', brackets do not match")],
    ids=['no =', 'bracket'],
)
def test_wrong_cfg_options_are_wrong_usage(option, said, capsys):
    with pytest.raises(SystemExit) as stopped:
        train.make_parser().parse_args(['x.py', '--cfg-options', 'b=2', option])
    assert stopped.value.code == 2 and said in capsys.readouterr().err


def test_file_names_of_other_encodings_are_printed(monkeypatch):
    """Python reads a byte that is not UTF-8 as half of a character pair, which strict streams cannot print."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding='utf-8', write_through=True) for _ in range(2)]
    monkeypatch.setattr(sys, 'stdout', streams[0])
    monkeypatch.setattr(sys, 'stderr', streams[1])

    def work(_):
        print('found \udcff.png')
        raise ValueError('cannot read \udcff.png')

    assert run_command(build_parser('test'), work, []) == 1
    assert [stream.buffer.getvalue() for stream in streams] == [
        b'found \\udcff.png\n',
        b'error: cannot read \\udcff.png\n',
    ]
