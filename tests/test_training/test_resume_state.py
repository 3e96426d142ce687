"""A resumed training has the schedule, the evaluations and the best checkpoint of an uninterrupted one."""

import os
import re
import shutil
import signal
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmpose.evaluation import PCKAccuracy
from tiny import write_config, write_dots

from clamp_mmpose.checkpoints.reader import read_checkpoint
from clamp_mmpose.cli import train
from clamp_mmpose.engine.hooks import FiniteHook
from clamp_mmpose.engine.schedule import find_changes, read_settings
from clamp_mmpose.engine.work_dir import latest_checkpoint, lock_work_dir

EXTRA = """
train_dataloader.update(num_workers=0, persistent_workers=False)
val_evaluator = test_evaluator = dict(type='PCKAccuracy', thr=0.2)
default_hooks.update(checkpoint=dict(interval=1, max_keep_ckpts=5, save_best='PCK', rule='greater'))
train_cfg.update(max_epochs=3, val_interval=1)
param_scheduler = [
    dict(type='LinearLR', begin=0, end=2, start_factor=0.5, by_epoch=False),
    dict(type='MultiStepLR', begin=0, end=100, milestones=[2], gamma=0.1, by_epoch=True),
]
"""
SCORES = [0.4, 0.9, 0.5, 0.6]  # the PCK of each epoch


@pytest.fixture(scope='module')
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope='module')
def dots(tmp_path_factory, monkeypatch_module):
    """A config (twelve images, three steps an epoch), and the work dir of its whole training."""
    folder = tmp_path_factory.mktemp('dots')
    config = write_config(folder / 'dots.py', write_dots(folder / 'data'), extra=EXTRA)
    check, epochs = FiniteHook.before_val_epoch, []

    def before_val_epoch(self, runner):
        epochs[:] = [runner.epoch]
        check(self, runner)

    monkeypatch_module.setattr(FiniteHook, 'before_val_epoch', before_val_epoch)
    monkeypatch_module.setattr(PCKAccuracy, 'compute_metrics', lambda self, results: dict(PCK=SCORES[epochs[0] - 1]))
    assert train.main([str(config), '--work-dir', str(folder / 'whole')]) == 0
    return config, folder / 'whole'


@pytest.fixture
def resume(dots, tmp_path, capsys):
    """Resume a copy of the whole training, without its last epoch; returns the exit code and what was printed."""
    config, whole = dots
    work = shutil.copytree(whole, tmp_path / 'work')
    (work / 'epoch_3.pth').unlink()
    (work / 'last_checkpoint').write_text(str(whole / 'epoch_2.pth'))

    def resume_it(*arguments, options=()):
        options = ['--cfg-options', *options] if options else []
        code = train.main([str(config), '--work-dir', str(work), *(arguments or ['--resume']), *options])
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    resume_it.work = work
    return resume_it


def same_weights(first, second):
    first, second = (read_checkpoint(path)['state_dict'] for path in (first, second))
    return first.keys() == second.keys() and all(torch.equal(value, second[name]) for name, value in first.items())


def test_an_evaluation_logs_its_scores_and_times_alone(dots):
    """MMEngine logs whatever the message hub has under a name that starts with "val"."""
    log = next(dots[1].glob('*/*.log')).read_text(encoding='utf-8')
    lines = [line for line in log.splitlines() if 'Epoch(val)' in line and 'eta' not in line]
    assert [re.findall(r'(\w+): [\d.]+', line.split('Epoch(val)')[1]) for line in lines] == [
        ['PCK', 'data_time', 'time']
    ] * 3


@pytest.mark.cpu
def test_killed_in_a_validation(dots, tmp_path, monkeypatch, capsys):
    """Epoch 2 would be the best; it was saved before its evaluation."""
    config, whole = dots
    arguments = [str(config), '--work-dir', str(tmp_path)]
    evaluated, original = [], PCKAccuracy.compute_metrics

    def compute_metrics(self, results):
        scores = original(self, results)
        evaluated.append(scores['PCK'])
        if len(evaluated) == 2:
            raise KeyboardInterrupt
        return scores

    monkeypatch.setattr(PCKAccuracy, 'compute_metrics', compute_metrics)
    assert train.main(arguments) == 130
    assert f'interrupted: go on with --resume --work-dir {tmp_path}' in capsys.readouterr().err
    assert (tmp_path / 'last_checkpoint').read_text().endswith('epoch_2.pth')
    assert not (tmp_path / 'best_PCK_epoch_2.pth').exists()

    assert train.main([*arguments, '--resume']) == 0
    assert evaluated == [0.4, 0.9, 0.9, 0.5]
    names = ['best_PCK_epoch_2.pth', 'epoch_1.pth', 'epoch_2.pth', 'epoch_3.pth']
    assert sorted(path.name for path in tmp_path.glob('*.pth')) == names
    assert sorted(path.name for path in whole.glob('*.pth')) == names
    assert same_weights(tmp_path / names[0], whole / names[0]) and same_weights(tmp_path / names[3], whole / names[3])
    hubs = [read_checkpoint(folder / names[3])['message_hub']['runtime_info'] for folder in (tmp_path, whole)]
    assert [hub['best_score'] for hub in hubs] == [0.9, 0.9]

    assert train.main([*arguments, '--resume']) == 0  # of the last epoch nothing is left but its evaluation
    assert evaluated[4:] == [0.5]
    (tmp_path / 'epoch_3.pth').unlink()
    assert train.main([*arguments, '--resume']) == 0  # from epoch 2, whose file has no evaluation
    assert evaluated[5:] == [0.9, 0.5]


@pytest.mark.cpu
def test_a_copied_work_dir_is_resumed_in_itself(resume, dots):
    """``last_checkpoint`` and the path of the best checkpoint are those of the original."""
    _, whole = dots
    code, _ = resume()
    assert code == 0 and same_weights(resume.work / 'epoch_3.pth', whole / 'epoch_3.pth')
    hub = read_checkpoint(resume.work / 'epoch_3.pth')['message_hub']['runtime_info']
    assert hub['best_ckpt'] == str(resume.work / 'best_PCK_epoch_2.pth')
    assert (whole / 'best_PCK_epoch_2.pth').exists()


@pytest.mark.parametrize(
    'options, found',
    [
        (['optim_wrapper.optimizer.lr=5e-4'], 'optim_wrapper.optimizer.lr: 0.001 -> 0.0005'),
        (['optim_wrapper.optimizer.weight_decay=0.5'], 'optim_wrapper.optimizer.weight_decay: not set -> 0.5'),
        (['param_scheduler.1.milestones=[1]'], 'param_scheduler.1.milestones.0: 2 -> 1'),
        (['train_dataloader.batch_size=6'], 'steps in an epoch: 3 -> 2 (batch size'),
        (['train_dataloader.dataset.indices=8'], 'steps in an epoch: 3 -> 2 (batch size'),
        (['optim_wrapper.optimizer.type=SGD'], 'optim_wrapper.optimizer.type: '),
    ],
)
def test_a_changed_schedule_is_refused(resume, options, found):
    code, text = resume(options=options)
    error = text[text.rindex('error: ') :]
    assert code == 1 and found in error and error.count('\n') == 1
    other = 'the saved state is of no use' if 'SGD' in options[0] else '--change-schedule'
    assert other in error and not (resume.work / 'epoch_3.pth').exists()


def rate_of(path):
    return read_checkpoint(path)['optimizer']['param_groups'][0]['lr']


def test_more_epochs_go_on_with_the_saved_schedule(resume):
    code, text = resume(options=['train_cfg.max_epochs=4'])
    assert code == 0 and 'Changed since the checkpoint was saved: train_cfg.max_epochs: 3 -> 4.' in text
    assert 'The learning rate goes on as the checkpoint planned it' in text
    assert rate_of(resume.work / 'epoch_4.pth') == pytest.approx(1e-4)  # 0.001, a tenth of it from epoch 2 on


def test_a_changed_schedule_is_applied(resume):
    options = ['optim_wrapper.optimizer.lr=2e-3', 'param_scheduler.1.gamma=0.5', 'param_scheduler.1.milestones=[1]']
    options += ['optim_wrapper.optimizer.weight_decay=0.3', 'train_dataloader.batch_size=6']
    code, text = resume('--resume', '--change-schedule', options=options)
    assert code == 0 and 'and applied: param_scheduler.1.gamma: 0.1 -> 0.5.' in text
    content = read_checkpoint(resume.work / 'epoch_3.pth')
    group = content['optimizer']['param_groups'][0]
    # 0.002 after the warm-up of two steps, half of it from epoch 1 on
    assert group['lr'] == pytest.approx(1e-3) and group['weight_decay'] == 0.3
    assert content['meta']['iter'] == 6  # two steps in each of three epochs
    assert content['optimizer']['state'][0]['step'] == 8  # as before: three in each of two epochs, then two


@pytest.mark.parametrize(
    'meta, steps, found',
    [
        (dict(epoch=1, iter=5), 3, 'steps in an epoch: 5 -> 3 '),  # 5 // 3 is one epoch too
        (dict(epoch=1, iter=7, steps_in_epoch=5), 5, None),  # saved within the second epoch
        (dict(epoch=2, iter=6, num_processes=2), 3, 'samples in a step: 8 -> 4 '),
        (dict(epoch=2, iter=6, num_processes=2, batch_size=2), 3, None),
        (dict(epoch=2, iter=6, batch_size=2), 3, 'train_dataloader.batch_size: 2 -> 4'),
        (dict(epoch=2, iter=6, cfg=None), 3, None),
    ],
)
def test_numbers_of_samples_and_steps(meta, steps, found):
    cfg = Config(dict(train_dataloader=dict(batch_size=4)))
    loop = SimpleNamespace(dataloader=range(steps))
    saved = Config(dict(train_dataloader=dict(batch_size=meta.pop('batch_size', 4)))).pretty_text
    changes = find_changes(SimpleNamespace(cfg=cfg, train_loop=loop), dict(dict(cfg=saved), **meta)).schedule
    assert [text.startswith(found) for text in changes] == [True] if found else changes == []


def test_a_checkpoint_without_training_state(resume):
    code, text = resume('--resume', str(resume.work / 'best_PCK_epoch_2.pth'))
    assert code == 1 and 'best_PCK_epoch_2.pth has no training state (optimizer, param_schedulers)' in text


def test_settings_are_read_without_running_them(tmp_path):
    text = f"""a = dict(b=[1, (2, 'x')], c=dict(d=-1e-3, **{{'e.f': None}}), g=[])
import os
import re
h = os.system('touch {tmp_path / 'run'}')
i = {{'j': True}}"""
    assert read_settings(text) == {
        'a.b.0': '1',
        'a.b.1.0': '2',
        'a.b.1.1': "'x'",
        'a.c.d': '-0.001',
        'a.c.None.e.f': 'None',
        'a.g': '[]',
        'h': f"os.system('touch {tmp_path / 'run'}')",
        'i.j': 'True',
    }
    assert not (tmp_path / 'run').exists()
    assert read_settings('a = ' + '-' * 100_000 + '1') == read_settings('a b') == read_settings('\0') == {}
    config = Config(dict(train_cfg=dict(max_epochs=4), param_scheduler=[dict(type='LinearLR', end=2)]))
    expected = {'train_cfg.max_epochs': '4', 'param_scheduler.0.end': '2', 'param_scheduler.0.type': "'LinearLR'"}
    assert read_settings(config.pretty_text) == expected


def save(folder, name, iteration, cut=0):
    torch.save(dict(meta=dict(epoch=1, iter=iteration), state_dict={}), folder / name)
    if cut:
        (folder / name).write_bytes((folder / name).read_bytes()[:-cut])


@pytest.mark.parametrize(
    'text, chosen, said',
    [
        ('{folder}/epoch_9.pth', 'epoch_9.pth', ''),
        ('/moved/elsewhere/epoch_9.pth', 'epoch_9.pth', ''),
        ('', 'epoch_10.pth', 'last_checkpoint is missing or empty; '),
        (None, 'epoch_10.pth', 'last_checkpoint is missing or empty; '),
        ('{folder}/epo', 'epoch_10.pth', "/epo', which does not exist; "),
        ('{folder}/epoch_11.pth', 'epoch_10.pth', 'epoch_11.pth cannot be read'),  # partly written
        ('\0\0\0', 'epoch_10.pth', 'which does not exist; '),
    ],
)
def test_the_last_checkpoint_is_found(tmp_path, text, chosen, said):
    for number in (9, 10, 2):
        save(tmp_path, f'epoch_{number}.pth', 3 * number)
    save(tmp_path, 'epoch_11.pth', 33, cut=100)
    save(tmp_path, 'iter_20.pth', 20)
    save(tmp_path, 'best_PCK_epoch_12.pth', 36)
    if text is not None:
        (tmp_path / 'last_checkpoint').write_text(text.format(folder=tmp_path))
    path, note = latest_checkpoint(tmp_path)
    assert path == str(tmp_path / chosen) and said in note and ('resuming from' in note) == bool(said)


def test_folders_of_deepspeed(tmp_path):
    """They are found for its strategy alone; one without a state was killed while it was written."""
    for number in (1, 2, 10):
        (tmp_path / f'epoch_{number}.pth').mkdir()
    for number in (1, 2):
        (tmp_path / f'epoch_{number}.pth' / 'zero_pp_rank_0_mp_rank_00_model_states.pt').write_bytes(b'')
    path, note = latest_checkpoint(tmp_path, sharded=True)
    assert path == str(tmp_path / 'epoch_2.pth') and 'the newest checkpoint that can be read' in note
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'epoch_1.pth'))
    assert latest_checkpoint(tmp_path, sharded=True) == (str(tmp_path / 'epoch_1.pth'), '')
    with pytest.raises((ValueError, FileNotFoundError), match='does not exist'):
        latest_checkpoint(tmp_path)


def test_there_is_no_last_checkpoint(tmp_path):
    assert latest_checkpoint(tmp_path)[0] is None
    assert 'starts from the beginning' in latest_checkpoint(tmp_path)[1]
    (tmp_path / 'last_checkpoint').write_text('work_dirs/x/epoch_3.pth')
    with pytest.raises(
        FileNotFoundError, match=r"names 'work_dirs/x/epoch_3\.pth', which does not exist: no checkpoint"
    ):
        latest_checkpoint(tmp_path)
    save(tmp_path, 'epoch_3.pth', 9, cut=50)
    with pytest.raises(ValueError, match=r'epoch_3\.pth cannot be read .*name one \(--resume FILE\)'):
        latest_checkpoint(tmp_path)


def in_a_child(work):
    """Fork; returns the child and a pipe that has a byte once ``work`` is done. The child then waits."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            kept = work()  # noqa: F841  (open until the child ends)
            os.write(write, b'1')
        except ValueError:
            os.write(write, b'0')
        signal.alarm(60)  # if a failed test leaves it behind
        signal.pause()
        os._exit(0)
    return child, os.read(read, 1)


def end(*children):
    for child in children:
        os.kill(child, signal.SIGKILL)


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='forks')
def test_two_trainings_in_one_work_dir(resume, tmp_path, monkeypatch):
    holder, done = in_a_child(lambda: lock_work_dir(resume.work))
    assert done == b'1'
    code, text = resume()
    assert code == 1 and f'another training (process {holder} on ' in text and '--work-dir' in text
    monkeypatch.setenv('RANK', '1')
    assert lock_work_dir(resume.work, 'pytorch') is None  # the first process has locked it for all
    end(holder)
    os.waitpid(holder, 0)
    assert lock_work_dir(resume.work) is not None


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='forks')
def test_a_worker_that_outlives_its_training_does_not_hold_the_lock(tmp_path):
    def train_with_a_worker():
        return lock_work_dir(tmp_path), in_a_child(lambda: (tmp_path / 'worker').write_text(str(os.getpid())))

    parent, done = in_a_child(train_with_a_worker)
    assert done == b'1'
    end(parent)
    os.waitpid(parent, 0)
    worker = int((tmp_path / 'worker').read_text())
    os.kill(worker, 0)  # it is alive
    lock = lock_work_dir(tmp_path)
    assert lock is not None
    assert in_a_child(lambda: lock_work_dir(tmp_path))[1] == b'0'  # so it is held again
    end(worker)


def test_trainings_of_one_process_share_the_lock(tmp_path):
    first, second = lock_work_dir(tmp_path), lock_work_dir(tmp_path)
    assert first is second
    del first  # closing another file of this name would unlock the second too
    holder, done = in_a_child(lambda: lock_work_dir(tmp_path))
    end(holder)
    assert done == b'0' and not second.closed


def test_a_file_system_without_locks(tmp_path, monkeypatch, capsys):
    def fail(file):
        raise OSError(37, 'No locks available')

    monkeypatch.setattr('clamp_mmpose.engine.work_dir.lock_file_of_process', fail)
    assert lock_work_dir(tmp_path) is None
    assert 'cannot be locked ([Errno 37] No locks available): make sure' in capsys.readouterr().out


def test_a_checkpoint_is_written_whole(tmp_path, monkeypatch):
    """A disk that is full while the second checkpoint is written leaves the first."""
    from mmengine.runner import save_checkpoint

    from clamp_mmpose.engine.work_dir import write_files_whole

    write_files_whole()
    save_checkpoint(dict(meta=dict(iter=1)), str(tmp_path / 'epoch_1.pth'))

    def replace(source, target):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(os, 'replace', replace)
    with pytest.raises(OSError):
        save_checkpoint(dict(meta=dict(iter=2)), str(tmp_path / 'epoch_1.pth'))
    assert read_checkpoint(tmp_path / 'epoch_1.pth')['meta']['iter'] == 1
    assert len(list(tmp_path.iterdir())) == 1
