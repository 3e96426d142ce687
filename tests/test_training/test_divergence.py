"""A run whose losses, weights, predictions or metrics are not finite ends with an error, and good checkpoints stay."""

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.hooks import CheckpointHook
from mmengine.structures import InstanceData
from mmpose.evaluation import PCKAccuracy
from mmpose.structures import PoseDataSample
from tiny import write_config, write_dots
from torch import nn
from two_processes import run_in_two_processes

from clamp_mmpose.checkpoints.reader import read_checkpoint
from clamp_mmpose.cli import test as test_command
from clamp_mmpose.cli import train
from clamp_mmpose.engine.hooks import FiniteHook, SyncBuffersHook
from clamp_mmpose.engine.hooks.finite_hook import check_prediction
from clamp_mmpose.engine.hooks.sync_buffers_hook import trained_buffers
from clamp_mmpose.models.heads import CLAMPHead
from clamp_mmpose.models.utils.freeze import freeze

EXTRA = """
train_dataloader.update(num_workers=0, persistent_workers=False)
val_evaluator = test_evaluator = dict(type='PCKAccuracy', thr=0.2)
default_hooks.update(checkpoint=dict(interval=1, max_keep_ckpts=5, save_best='PCK', rule='greater'))
train_cfg.update(max_epochs=3, val_interval=1)
"""


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    """Twelve images: three steps an epoch."""
    folder = tmp_path_factory.mktemp('dots')
    return write_config(folder / 'dots.py', write_dots(folder / 'data'), extra=EXTRA)


@pytest.fixture
def run(config, tmp_path, capsys):
    """Train; returns the exit code, the error and the files in the work dir."""

    def train_it(*arguments):
        code = train.main([str(config), '--work-dir', str(tmp_path / 'work'), *arguments])
        return code, capsys.readouterr().err, sorted(path.name for path in (tmp_path / 'work').glob('*.pth'))

    return train_it


def break_losses(monkeypatch, name, value, step):
    """Let a loss of ``CLAMPHead`` have another value in one step."""
    original, steps = CLAMPHead.loss, []

    def loss(self, *args, **kwargs):
        losses = original(self, *args, **kwargs)
        steps.append(0)
        if len(steps) == step:
            losses[name] = losses[name] * value
        return losses

    monkeypatch.setattr(CLAMPHead, 'loss', loss)


@pytest.mark.parametrize('name, value, shown', [('loss_feature', math.nan, 'nan'), ('loss_spatial', math.inf, 'inf')])
def test_a_loss(run, monkeypatch, tmp_path, name, value, shown):
    break_losses(monkeypatch, name, value, step=5)
    code, error, files = run('--cfg-options', 'val_cfg=None', 'val_dataloader=None', 'val_evaluator=None')
    assert code == 1
    assert f'diverged at iteration 5 (epoch 2): {name} is {shown}, at a learning rate of 0.001. ' in error
    assert 'the last checkpoint is' in error and error.count('\n') == 1
    assert files == ['epoch_1.pth'] and (tmp_path / 'work/last_checkpoint').read_text().endswith('epoch_1.pth')


def test_a_loss_of_accumulated_gradients(run, monkeypatch):
    """The first of two steps whose gradients are added."""
    break_losses(monkeypatch, 'loss_feature', math.nan, step=1)
    code, error, files = run('--cfg-options', 'optim_wrapper.accumulative_counts=2')
    assert code == 1 and files == []
    # the sum is divided by 2, the losses are not
    assert 'diverged at iteration 1 (epoch 1): loss_feature is nan, ' in error


def test_weights_broken_in_the_last_step_of_an_epoch(run, monkeypatch):
    """The losses of all three steps are finite."""
    original, steps = torch.optim.AdamW.step, []

    def step(self, *args, **kwargs):
        steps.append(0)
        original(self, *args, **kwargs)
        if len(steps) == 3:
            self.param_groups[0]['params'][0].data.view(-1)[7] = math.nan

    monkeypatch.setattr(torch.optim.AdamW, 'step', step)
    code, error, files = run()
    assert code == 1 and files == []
    assert 'diverged at iteration 3 (epoch 1): weights hold NaN or infinity in backbone.visual.' in error


def test_such_a_metric_is_never_the_best(run, monkeypatch):
    scores = iter([0.4, math.nan, math.inf])
    monkeypatch.setattr(PCKAccuracy, 'compute_metrics', lambda self, results: dict(PCK=next(scores)))
    code, _, files = run()
    assert code == 0 and [name for name in files if 'best' in name] == ['best_PCK_epoch_1.pth']


def test_an_unknown_metric_to_choose_by(run):
    code, error, _ = run('--cfg-options', 'default_hooks.checkpoint.save_best=coco/AP', 'train_cfg.max_epochs=1')
    assert code == 1 and "save_best='coco/AP' is not among the metrics of val_evaluator ['PCK']" in error


def test_testing(run, config, tmp_path, monkeypatch, capsys):
    assert run('--cfg-options', 'train_cfg.max_epochs=1')[0] == 0
    good = tmp_path / 'work/epoch_1.pth'
    content = read_checkpoint(good)
    content['state_dict']['head.prompt_learner.contexts'][0, 0] = math.inf
    torch.save(content, tmp_path / 'bad.pth')
    arguments = ['--work-dir', str(tmp_path / 'work')]
    assert test_command.main([str(config), str(tmp_path / 'bad.pth'), *arguments]) == 1
    error = capsys.readouterr().err
    assert 'bad.pth are not finite: weights hold NaN or infinity in head.prompt_learner.contexts.' in error

    monkeypatch.setattr(PCKAccuracy, 'compute_metrics', lambda self, results: dict(PCK=math.nan))
    assert test_command.main([str(config), str(good), *arguments]) == 0
    assert json.loads((tmp_path / 'work/test.json').read_text())['metrics'] == {'PCK': None}

    decode = CLAMPHead.decode
    monkeypatch.setattr(CLAMPHead, 'decode', lambda self, heatmaps: decode(self, heatmaps * math.nan))
    assert test_command.main([str(config), str(good), *arguments]) == 1
    assert '000.png are not finite (keypoint_scores' in capsys.readouterr().err


def sample(keypoints, scores, **fields):
    made = PoseDataSample(metainfo=dict(img_path='a.jpg'))
    made.pred_instances = InstanceData(keypoints=np.array([keypoints]), keypoint_scores=np.array([scores]))
    for name, value in fields.items():
        made.set_field(value, name)
    return made


def test_predictions():
    nan, inf = math.nan, math.inf
    check_prediction(sample([[1.0, 2], [3, 4]], [0.5, 0]))
    check_prediction(sample([[1.0, 2], [nan, nan]], [0.5, 0]))  # not found
    check_prediction(sample([[1.0, 2]], [1.0], class_scores=torch.ones(3)))
    for bad, named in [
        (sample([[1.0, 2], [nan, 4]], [0.5, 0.1]), r'a\.jpg are not finite \(keypoints\)'),
        (sample([[1.0, inf], [3, 4]], [0.5, 0.1]), r'a\.jpg are not finite \(keypoints\)'),
        (sample([[1.0, 2], [3, 4]], [0.5, nan]), r'a\.jpg are not finite \(keypoint_scores\)'),
        (sample([[1.0, 2]], [1.0], class_scores=torch.tensor([0, nan])), r'\(class_scores\)'),
    ]:
        with pytest.raises(ValueError, match=named):
            check_prediction(bad)


def runner_of(model):
    hub = SimpleNamespace(runtime_info={})
    optim_wrapper = SimpleNamespace(get_lr=lambda: dict(lr=[0.1, 0.5]))
    return SimpleNamespace(
        model=model, iter=6, epoch=1, optim_wrapper=optim_wrapper, message_hub=hub, hooks=[], train_loop=None
    )


def in_three_processes(rank, folder):
    torch.manual_seed(0)
    frozen, trained = nn.BatchNorm1d(50), nn.BatchNorm1d(50)
    frozen.running_mean.uniform_()
    freeze(frozen)
    trained.register_buffer('constant', torch.rand(50))
    trained.running_mean.fill_(rank)
    trained.num_batches_tracked.fill_(5)
    model = nn.Sequential(frozen, trained).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    runner = runner_of(model)
    SyncBuffersHook().after_train_epoch(runner)
    for name, value in model.state_dict().items():
        expected = torch.ones(50) if name == '1.running_mean' else before[name]  # the mean of 0, 1 and 2
        assert torch.equal(value, expected), name

    hook, losses = FiniteHook(), dict(loss_a=torch.tensor(1.0), loss=torch.tensor(1.0))
    hook.after_train_iter(runner, 0, outputs=losses)
    if rank == 1:
        losses = dict(loss_a=torch.tensor(math.nan), loss=torch.tensor(math.nan))
    with pytest.raises(ValueError) as stopped:
        hook.after_train_iter(runner, 0, outputs=losses)
    (folder / f'{rank}.txt').write_text(str(stopped.value))

    runner.hooks = [CheckpointHook(interval=7, by_epoch=False)]  # saves now, in the first process
    if rank == 0:
        trained.weight.data[3] = math.inf
    with pytest.raises(ValueError, match=r'iteration 7 .*infinity in 1\.weight \(process 0\)'):
        hook.after_train_iter(runner, 0, outputs=dict(loss=torch.tensor(1.0)))
    runner.hooks = [CheckpointHook(interval=2, by_epoch=False, save_last=False), CheckpointHook(interval=7)]
    hook.after_train_iter(runner, 0, outputs=dict(loss=torch.tensor(1.0)))


def test_three_processes(tmp_path):
    """Frozen and equal buffers do not change by a bit; all processes stop if the loss of one is NaN."""
    run_in_two_processes(in_three_processes, tmp_path, number=3)
    texts = {(tmp_path / f'{rank}.txt').read_text() for rank in range(3)}
    assert (
        len(texts) == 1 and 'iteration 7 (epoch 2): loss_a is nan (process 1), at a learning rate of 0.5' in texts.pop()
    )


def test_the_configs_get_our_hook():
    from mmengine.registry import HOOKS

    assert type(HOOKS.build(dict(type='SyncBuffersHook'))) is SyncBuffersHook
    assert not trained_buffers(nn.BatchNorm1d(2).eval())
