"""The layers in pyproject.toml: no folder imports one above it, no circular imports."""

from pathlib import Path

import pytest

cli = pytest.importorskip('importlinter.cli', reason='needs import-linter')


def test_contracts_hold(monkeypatch, capsys):
    monkeypatch.chdir(Path(__file__).parents[1])
    assert cli.lint_imports(no_cache=True) == cli.EXIT_STATUS_SUCCESS, capsys.readouterr().out
