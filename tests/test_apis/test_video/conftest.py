import pytest
from square_video import FindsSquare, square, write_video

from clamp_mmpose.apis import TextPoseInferencer
from clamp_mmpose.apis.model_zoo import read_config


@pytest.fixture(scope='session')
def moving(tmp_path_factory):
    """A video of 40 frames, 8 a second, in which a white square moves."""
    return write_video(tmp_path_factory.mktemp('moving') / 'moving.avi', [square(i) for i in range(40)])


@pytest.fixture(scope='session')
def _finder(trained):
    options = dict(find_instances='two_pass')
    return TextPoseInferencer(read_config(trained[0], options), trained[1], device='cpu')


@pytest.fixture
def finder(_finder, monkeypatch):
    """An inferencer in two passes that finds the square; its model is ``finder.model.test_step``."""
    monkeypatch.setattr(_finder.model, 'test_step', FindsSquare())
    return _finder
