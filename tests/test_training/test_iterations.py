"""A training by iterations, the schedule for own data, is resumed and stopped as one by epochs is."""

import math
import shutil

import pytest
import torch
from mmengine.config import Config
from mmpose.evaluation import PCKAccuracy
from tiny import write_config, write_dots

from clamp_mmpose.checkpoints.reader import read_checkpoint
from clamp_mmpose.cli import train
from clamp_mmpose.engine.hooks import FiniteHook
from clamp_mmpose.engine.launch import build_runner

EXTRA = """
train_dataloader.update(num_workers=0, persistent_workers=False)
val_evaluator = test_evaluator = dict(type='PCKAccuracy', thr=0.2)
train_cfg = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=6, val_interval=2)
default_hooks.update(
    checkpoint=dict(by_epoch=False, interval=2, save_best='PCK', rule='greater'),
    logger=dict(interval=1, log_metric_by_epoch=False),
)
log_processor = dict(by_epoch=False)
param_scheduler = [
    dict(type='LinearLR', begin=0, end=2, start_factor=0.5, by_epoch=False),
    dict(type='MultiStepLR', begin=0, end=100, milestones=[4], gamma=0.1, by_epoch=False),
]
"""
SCORES = {2: 0.4, 4: 0.9, 6: 0.5}
NAMES = ['best_PCK_iter_4.pth', 'iter_2.pth', 'iter_4.pth', 'iter_6.pth']


@pytest.fixture(scope='module')
def dots(tmp_path_factory):
    """A config (twelve images: a pass is three iterations), the work dir of its training, and the evaluations."""
    folder = tmp_path_factory.mktemp('dots')
    config = write_config(folder / 'dots.py', write_dots(folder / 'data'), extra=EXTRA)
    check, evaluated = FiniteHook.before_val_epoch, []

    def before_val_epoch(self, runner):
        evaluated.append(runner.iter)
        check(self, runner)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FiniteHook, 'before_val_epoch', before_val_epoch)
        patch.setattr(PCKAccuracy, 'compute_metrics', lambda self, results: dict(PCK=SCORES[evaluated[-1]]))
        assert train.main([str(config), '--work-dir', str(folder / 'whole')]) == 0
        yield config, folder / 'whole', evaluated


@pytest.fixture
def resume(dots, tmp_path, capsys):
    """Resume a copy of the training from iteration 4, whose evaluation is not in its file."""
    config, whole, evaluated = dots
    work = shutil.copytree(whole, tmp_path / 'work')
    shutil.copy(work / 'iter_2.pth', work / 'iter_4.pth')
    for name in ('iter_6.pth', 'iter_4.pth', 'last_checkpoint'):  # the newest file is found by its name
        (work / name).unlink()

    def resume_it(*arguments, options=()):
        evaluated.clear()
        options = ['--cfg-options', *options] if options else []
        code = train.main([str(config), '--work-dir', str(work), '--resume', *arguments, *options])
        printed = capsys.readouterr()
        return code, printed.out + printed.err, evaluated

    resume_it.work = work
    return resume_it


def weights(path):
    return read_checkpoint(path)['state_dict']


def same_weights(first, second):
    first, second = weights(first), weights(second)
    return first.keys() == second.keys() and all(torch.equal(value, second[name]) for name, value in first.items())


@pytest.mark.cpu
def test_killed_in_a_validation(dots, tmp_path, monkeypatch):
    """In the middle of the second pass; iteration 4 would be the best."""
    config, whole, evaluated = dots
    arguments = [str(config), '--work-dir', str(tmp_path)]
    original = PCKAccuracy.compute_metrics

    def compute_metrics(self, results):
        if evaluated[-1] == 4:
            raise KeyboardInterrupt
        return original(self, results)

    evaluated.clear()
    with monkeypatch.context() as patch:
        patch.setattr(PCKAccuracy, 'compute_metrics', compute_metrics)
        assert train.main(arguments) == 130
    assert sorted(path.name for path in tmp_path.glob('*.pth')) == ['best_PCK_iter_2.pth', 'iter_2.pth', 'iter_4.pth']
    assert train.main([*arguments, '--resume']) == 0
    assert evaluated == [2, 4, 4, 6]
    assert sorted(path.name for path in tmp_path.glob('*.pth')) == NAMES
    assert sorted(path.name for path in whole.glob('*.pth')) == NAMES
    assert all(same_weights(tmp_path / name, whole / name) for name in NAMES)
    info = read_checkpoint(tmp_path / NAMES[3])['message_hub']['runtime_info']
    assert info['best_score'] == 0.9 and info['best_ckpt'] == str(tmp_path / NAMES[0])


@pytest.mark.cpu
def test_last_checkpoint_is_missing(resume, dots):
    code, text, evaluated = resume()
    assert code == 0 and f'resuming from {resume.work / "iter_2.pth"}, the newest checkpoint that can be' in text
    assert evaluated == [4, 6] and same_weights(resume.work / 'iter_6.pth', dots[1] / 'iter_6.pth')
    assert 'Reach the end of the dataloader' not in text  # MMEngine's iterator waits two seconds there


@pytest.mark.parametrize(
    'options, found',
    [
        (['param_scheduler.1.milestones=[3]'], 'param_scheduler.1.milestones.0: 4 -> 3'),
        (['train_dataloader.batch_size=6'], 'samples in a step: 4 -> 6 (train_dataloader.batch_size x number of proc'),
    ],
)
def test_a_changed_schedule_is_refused(resume, options, found):
    code, text, _ = resume(options=options)
    assert code == 1 and found in text and '--change-schedule' in text and 'steps in an epoch' not in text


def test_a_changed_schedule_is_applied(resume):
    options = ['param_scheduler.1.milestones=[1]', 'param_scheduler.1.gamma=0.5', 'train_cfg.max_iters=4']
    assert resume('--change-schedule', options=options)[0] == 0
    content = read_checkpoint(resume.work / 'iter_4.pth')
    assert content['optimizer']['param_groups'][0]['lr'] == pytest.approx(5e-4) and content['meta']['iter'] == 4


def test_from_iterations_to_epochs(dots, resume, tmp_path, capsys):
    """Two iterations are one epoch if twelve samples are two batches."""
    config = dots[0].with_name('epochs.py')
    text = dots[0].read_text() + '\ntrain_cfg = dict(by_epoch=True, max_epochs=2)\nval_cfg = val_dataloader = None\n'
    text += 'val_evaluator = None\ntrain_dataloader.update(batch_size=6)\n'
    config.write_text(text + 'default_hooks.update(checkpoint=dict(by_epoch=True, interval=1))\n')
    arguments = [str(config), '--work-dir', str(resume.work), '--resume']
    assert train.main(arguments) == 1 and 'train_cfg.type: ' in capsys.readouterr().err
    assert train.main([*arguments, '--change-schedule']) == 0
    assert not (resume.work / 'epoch_1.pth').exists()
    meta = read_checkpoint(resume.work / 'epoch_2.pth')['meta']
    assert (meta['epoch'], meta['iter'], meta['steps_in_epoch']) == (2, 4, 2)


def break_weights(monkeypatch, step):
    original, steps = torch.optim.AdamW.step, []

    def step_it(self, *args, **kwargs):
        steps.append(0)
        original(self, *args, **kwargs)
        if len(steps) == step:
            self.param_groups[0]['params'][0].data.view(-1)[7] = math.nan

    monkeypatch.setattr(torch.optim.AdamW, 'step', step_it)


@pytest.mark.parametrize('options', [[], ['val_cfg=None', 'val_dataloader=None', 'val_evaluator=None']])
def test_weights_broken_in_the_step_before_they_are_saved(dots, tmp_path, monkeypatch, capsys, options):
    break_weights(monkeypatch, 4)
    options = ['--cfg-options', *options, 'train_cfg.val_interval=4']
    assert train.main([str(dots[0]), '--work-dir', str(tmp_path), *options]) == 1
    error = capsys.readouterr().err
    assert 'diverged at iteration 4: weights hold NaN or infinity in backbone.visual.' in error
    assert [path.name for path in tmp_path.glob('*.pth')] == ['iter_2.pth']
    assert (tmp_path / 'last_checkpoint').read_text() == str(tmp_path / 'iter_2.pth')


def test_weights_broken_before_a_validation(dots, tmp_path, monkeypatch, capsys):
    break_weights(monkeypatch, 1)
    options = ['--cfg-options', 'train_cfg.val_interval=1']
    assert train.main([str(dots[0]), '--work-dir', str(tmp_path), *options]) == 1
    assert 'diverged at iteration 1: weights hold NaN' in capsys.readouterr().err


def batches_of(config, work_dir, number, **options):
    """The images of the first batches, right before training."""
    cfg = Config.fromfile(config)
    cfg.train_dataloader.update(options)
    cfg.work_dir, cfg.launcher, cfg.experiment_name = str(work_dir), 'none', work_dir.name
    runner = build_runner(cfg)
    runner._train_loop = runner.build_train_loop(runner._train_loop)
    runner.call_hook('before_train')
    runner.call_hook('before_train_epoch')
    return [torch.stack(next(runner.train_loop.dataloader_iterator)['inputs']) for _ in range(number)]


def test_skipped_batches(dots, tmp_path):
    """OneDL's MMEngine skips the batches that were trained before a resume."""
    cfg = Config.fromfile(dots[0])
    cfg.work_dir, cfg.launcher = str(tmp_path), 'none'
    runner = build_runner(cfg)
    runner._train_loop = runner.build_train_loop(runner._train_loop)
    runner.call_hook('before_train')
    runner.train_loop.dataloader_iterator.skip_iter(3)
    images = torch.stack(next(runner.train_loop.dataloader_iterator)['inputs'])
    assert torch.equal(images, batches_of(dots[0], tmp_path / 'all', 4)[3])


def test_batches(dots, tmp_path):
    """Each pass has its own order and augmentations; loader workers change neither."""
    options = dict(sampler=dict(type='DefaultSampler', shuffle=False))
    alone = batches_of(dots[0], tmp_path / 'alone', 4, **options)
    workers = batches_of(dots[0], tmp_path / 'workers', 4, num_workers=1, persistent_workers=True, **options)
    assert all(map(torch.equal, alone, workers))
    assert not torch.equal(alone[0], alone[3])  # the same four images in both passes
