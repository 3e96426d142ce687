import os
from pathlib import Path

import pytest
import torch
from mmengine.registry import init_default_scope

import clamp_mmpose  # noqa: F401  (registers everything, before any test touches MMPose)

pytest_plugins = ['toy_dataset']
ROOT = Path(__file__).resolve().parents[1]


def _shared(variable: str, name: str) -> Path:
    folder = Path(os.environ.get(variable, ROOT.parent / 'shared' / name))
    if not folder.is_dir():
        message = f'needs {folder} (another place: {variable})'
        if os.environ.get('CLAMP_MMPOSE_REQUIRE_SHARED') == '1':
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.fixture(scope='session')
def shared_data() -> Path:
    """Small real data sets, in their own formats."""
    return _shared('CLAMP_MMPOSE_DATA', 'data')


@pytest.fixture(scope='session')
def parity() -> Path:
    """Outputs of the published code."""
    return _shared('CLAMP_MMPOSE_PARITY', 'parity')


@pytest.fixture(autouse=True)
def _scope_and_seed():
    init_default_scope('mmpose')
    torch.manual_seed(0)
