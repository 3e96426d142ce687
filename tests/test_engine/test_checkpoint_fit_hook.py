"""A part of the weights may start a training, but not resume one."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.runner import BaseLoop
from mmengine.runner.checkpoint import _load_checkpoint_to_model
from torch import nn

from clamp_mmpose.engine.hooks import CheckpointFitHook
from clamp_mmpose.engine.hooks.checkpoint_fit_hook import check_names


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


def test_names_of_a_sharded_model():
    """FSDP compares the shapes itself; frozen weights may be missing if the checkpoint says that they are left out."""
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[0].requires_grad_(False)
    trained = {name: value for name, value in model.state_dict().items() if name.startswith('1.')}
    reduced = dict(meta=dict(frozen_parts={'0': {}}))
    check_names(model, trained, reduced, 'a.pth', partial=False)
    with pytest.raises(ValueError, match=r"a\.pth does not fit this model: 2 of 4 weights are missing \['0\.weight"):
        check_names(model, trained, {}, 'a.pth', partial=False)
    with pytest.raises(ValueError, match=r"1 of 2 weights are missing \['1\.weight'\]"):
        check_names(model, {'1.bias': trained['1.bias']}, reduced, 'a.pth', partial=False)
    check_names(model, {'1.bias': trained['1.bias']}, reduced, 'a.pth', partial=True)
    with pytest.raises(ValueError, match='2 of 2 weights are missing'):
        check_names(model, {}, reduced, 'a.pth', partial=True)
