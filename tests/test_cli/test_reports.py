"""The commands that print a config and the installed versions."""

import platform
from importlib.metadata import version

import torch
from mmengine.config import Config

from clamp_mmpose.cli import env, print_config


def test_printed_config_is_the_merged_one(capsys, tmp_path):
    (tmp_path / 'base.py').write_text('a = dict(b=1, c=2)\n')
    (tmp_path / 'child.py').write_text("_base_ = ['./base.py']\na = dict(c=3)\n")
    assert print_config.main([str(tmp_path / 'child.py'), '--cfg-options', 'a.d=4']) == 0
    (tmp_path / 'printed.py').write_text(capsys.readouterr().out)
    assert Config.fromfile(str(tmp_path / 'printed.py')).to_dict() == dict(a=dict(b=1, c=3, d=4))


def test_env(capsys, monkeypatch):
    monkeypatch.setitem(env.PACKAGES, 'nothing', 'no-such-package')
    assert env.main([]) == 0
    rows = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert rows['torch:'] == version('torch') and rows['nothing:'] == 'not installed'
    assert rows['python:'].startswith(platform.python_version())
    assert rows['devices:'].endswith(f'CPU with {torch.get_num_threads()} threads')
    assert {'mmcv:', 'mmpose:', 'timm:', 'open_clip:', 'transformers:', 'gradio:', 'compat:'} <= set(rows)
