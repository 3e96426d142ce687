import logging
import os
import shutil
import socket
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_data import draw_pose_data
from mmengine.registry import init_default_scope
from parity_folders import PARITY

import clamp_mmpose  # noqa: F401  (registers everything, before any test touches MMPose)

init_default_scope('mmpose')  # fixtures of a module or session run before those of a test

# MMEngine's loggers keep the captured, then closed streams of earlier tests, and would report that in later ones
logging.raiseExceptions = False
pytest_plugins = ['toy_dataset']
ROOT = Path(__file__).resolve().parents[1]
SHARED_DATA = Path(os.environ.get('CLAMP_MMPOSE_DATA', ROOT.parent / 'shared' / 'data'))


def pytest_collection_modifyitems(items):
    """Mark tests that need a browser or third-party data sets; skip the latter if the data sets are absent."""
    required = os.environ.get('CLAMP_MMPOSE_REQUIRE_SHARED') == '1'
    for item in items:
        fixtures = getattr(item, 'fixturenames', ())
        if item.get_closest_marker('cpu') and torch.cuda.is_available():
            item.add_marker(pytest.mark.skip(reason='run it with CUDA_VISIBLE_DEVICES= (empty)'))
        if 'browser' in fixtures:
            item.add_marker('browser')
        if 'shared_data' in fixtures:
            item.add_marker('shared')
            if not SHARED_DATA.is_dir() and not required:
                item.add_marker(
                    pytest.mark.skip(reason='needs third-party data sets (set CLAMP_MMPOSE_DATA to their folder)')
                )


@pytest.fixture(scope='session')
def shared_data() -> Path:
    """Small real data sets, in their own formats; a test that uses them is marked ``shared``."""
    assert SHARED_DATA.is_dir(), f'{SHARED_DATA} is not a folder (CLAMP_MMPOSE_DATA sets another)'
    return SHARED_DATA


@pytest.fixture(scope='session')
def pose_data(tmp_path_factory) -> Path:
    """One or a few images of AP-10K, Animal-Pose, COCO, MPII and the open-field mouse; noise if those are absent."""
    return SHARED_DATA if SHARED_DATA.is_dir() else draw_pose_data(tmp_path_factory.mktemp('pose_data'))


@pytest.fixture(scope='session')
def parity(tmp_path_factory) -> Path:
    """Outputs of the published code: a folder with a link to each set of them."""
    folder = tmp_path_factory.mktemp('parity')
    sources = {path.name: path for source in PARITY if source.is_dir() for path in source.iterdir()}
    for name, path in sources.items():
        if (path / 'weights.npz').exists():  # stored as arrays in the repository, published as a checkpoint
            shutil.copytree(path, folder / name)
            state_dict = {key: torch.from_numpy(array) for key, array in np.load(path / 'weights.npz').items()}
            meta = dict(mmpose_version='0.21.0', epoch=210)
            torch.save(dict(meta=meta, state_dict=state_dict), folder / name / 'checkpoint.pth')
        else:
            (folder / name).symlink_to(path)
    return folder


@pytest.fixture
def free_port() -> int:
    """A free port of this machine."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


@pytest.fixture(scope='session', autouse=True)
def _unformatted_configs():
    """MMEngine lays out the text of a config with yapf for each checkpoint, for half a second."""
    with pytest.MonkeyPatch.context() as patch:
        # OneDL's MMEngine has no FormatCode
        patch.setattr('mmengine.config.config.FormatCode', lambda text, **options: (text, True), raising=False)
        yield


@pytest.fixture(autouse=True)
def _scope_and_seed():
    init_default_scope('mmpose')  # a Runner of another test may have changed it
    torch.manual_seed(0)
