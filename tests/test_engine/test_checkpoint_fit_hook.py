"""A part of the weights may start a training, but not resume one."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.runner import BaseLoop
from mmengine.runner.checkpoint import _load_checkpoint_to_model
from torch import nn

from clamp_mmpose.engine.hooks import CheckpointFitHook


class Loop(BaseLoop):
    def __init__(self):
        pass

    def run(self):
        pass


def load(loop, resume):
    model = nn.Linear(2, 3)
    runner = SimpleNamespace(model=model, _train_loop=loop, _resume=resume, _load_from='part.pth', work_dir='')
    CheckpointFitHook().after_load_checkpoint(runner, dict(state_dict=dict(weight=model.weight.detach())))


def test_every_weight_is_needed_to_resume_and_to_test():
    load(Loop(), resume=False)
    for loop, resume in ((Loop(), True), (None, False), (dict(type='EpochBasedTrainLoop'), False)):
        with pytest.raises(
            ValueError, match=r"part\.pth does not fit this model: 1 of 2 weights are missing \['bias'\]"
        ):
            load(loop, resume)


@pytest.mark.parametrize('form', [dict, lambda weights: dict(model=weights), lambda weights: dict(weights, epoch=3)])
def test_weights_under_other_keys_are_loaded(form):
    """MMEngine loads what is under 'state_dict', or every entry; of the rest it would load nothing, with a warning."""
    model, other = nn.Linear(2, 3), nn.Linear(2, 3)
    content = form({f'module.{name}': value.clone() for name, value in other.state_dict().items()})
    runner = SimpleNamespace(model=model, _train_loop=None, _resume=False, _load_from='a.pth', work_dir='')
    CheckpointFitHook().after_load_checkpoint(runner, content)
    _load_checkpoint_to_model(model, content)
    assert torch.equal(model.weight, other.weight) and torch.equal(model.bias, other.bias)
