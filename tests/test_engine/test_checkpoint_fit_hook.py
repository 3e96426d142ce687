"""A part of the weights may start a training, but not resume one."""

from types import SimpleNamespace

import pytest
from mmengine.runner import BaseLoop
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
