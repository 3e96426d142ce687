import pytest
import torch
from mmpose.apis import init_model
from tiny import write_config, write_dots
from tiny_llava import tuned_llava

from clamp_mmpose.apis import TextPoseInferencer


@pytest.fixture(scope='session')
def trained(tmp_path_factory):
    """(config, checkpoint, images): a model whose keypoints move with the image."""
    folder = tmp_path_factory.mktemp('inferencer')
    data = write_dots(folder / 'data', num_images=5)
    config = write_config(folder / 'dots.py', data)
    torch.manual_seed(0)
    model = init_model(str(config), device='cpu')
    torch.nn.init.normal_(model.head.final_layer.weight)
    torch.save(dict(state_dict=model.state_dict()), folder / 'model.pth')
    return str(config), str(folder / 'model.pth'), sorted(map(str, (data / 'images').iterdir()))


@pytest.fixture(scope='session')
def dots_inferencer(trained):
    return TextPoseInferencer(trained[0], trained[1], device='cpu')


@pytest.fixture(scope='session')
def tuned(tmp_path_factory):
    """A vision-language model: its config, a checkpoint of what was trained, and the model."""
    return tuned_llava(tmp_path_factory.mktemp('tuned'))
