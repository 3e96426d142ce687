"""Trainings on drawn photographs; errors, intervals and tables of results worked out by hand."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from photo_files import POINTS, needs_weights, write_photos

from benchmarks import photos
from benchmarks.photo_baselines import Baselines
from benchmarks.photo_runs import Runs, read_runs
from benchmarks.photo_tables import few_shot_table, main_table
from benchmarks.photo_trials import Trial, all_trials, instance_hits, trial_config


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv('CLAMP_MMPOSE_DATA', str(tmp_path))
    monkeypatch.setenv('CLAMP_MMPOSE_CATEGORY', 'tea_cup')  # so that it is restored
    return write_photos(tmp_path)


def row(number, *hits, category='bee', labeled=4, image=None):
    return dict(id=number, image=image or number, category=category, labeled=labeled, hits=list(hits))


def test_trials_of_all_parts():
    trials = all_trials(['bee', 'tea_cup'], photos.PARTS, [0, 1], ['bee'], [5, 20])
    names = [trial.name for trial in trials]
    assert len(names) == len(set(names)) == 2 * (2 + 2 + 2 * (2 + 2))
    assert {'cape_seed0', 'text-query_seed1', 'text-query_without-bee_seed0', 'plain_tea_cup_seed1'} < set(names)
    assert 'clamp_bee_20-images_seed1' in names and 'clamp_tea_cup_20-images_seed1' not in names


def test_config_of_a_trial(data, tmp_path):
    cfg = trial_config(Trial('clamp', 2, 'bee', images=5), tmp_path / 'work', iters=20, size=64)
    assert cfg.model.head.names[1] == 'left wing tip' and cfg.randomness.seed == 2
    assert (cfg.train_dataloader.dataset.num_images, cfg.train_dataloader.dataset.image_seed) == (5, 2)
    assert cfg.train_cfg.max_iters == cfg.train_cfg.val_interval == cfg.param_scheduler[1].end == 20
    assert cfg.param_scheduler[0].end == 20 and cfg.default_hooks.checkpoint is None
    sizes = (cfg.model.head.decoder.input_size, cfg.model.head.decoder.heatmap_size)
    assert sizes == ((64, 64), (16, 16)) and cfg.val_dataloader.dataset.pipeline[2].input_size == (64, 64)
    cfg = trial_config(Trial('text-query', 0, without='bee'), tmp_path / 'work')
    assert cfg.train_dataloader.dataset.without == ['bee'] and cfg.val_dataloader.dataset.categories == ['bee']
    assert cfg.train_cfg.max_iters == 280


def test_hits_are_a_share_of_the_longer_side_of_the_cleaned_box(data):
    """The box is 36 by 42, so the thresholds are 2.1, 4.2 and 8.4 pixels."""
    truth = np.array(POINTS['bee'], float)
    rows = instance_hits(data / 'annotations/val.json', {101: np.add(truth, [[2, 0], [0, 4.1], [0, 8.5]])})
    assert rows == [dict(id=101, image=1, category='bee', labeled=3, hits=[1, 2, 2])]


def test_pck_is_the_mean_over_instances_and_seeds():
    runs = Runs({1: [row(1, 0, 2, 4), row(2, 1, 1, 2, labeled=2)], 0: [row(1, 0, 4, 4), row(2, 0, 1, 2, labeled=2)]})
    assert runs.pck(1).value == pytest.approx(((0.5 + 1) / 2 + 0.5) / 2)
    assert runs.of_seeds(1) == pytest.approx([0.75, 0.5])  # seeds 0 and 1
    assert (runs.pck(1).low, runs.pck(1).high) == pytest.approx((0.5, 0.75))  # both draws of one image
    other = Runs({0: [row(1, 0, 4, 4), row(2, 0, 2, 2, labeled=2)]})
    difference = runs.pck(1, against=other)
    assert difference.value == pytest.approx((-0.25 - 0.5) / 2) and difference.high == pytest.approx(-0.25)


def test_images_are_drawn_with_all_their_instances():
    runs = Runs({0: [row(1, 0, 0, 4), row(2, 0, 0, 4, image=1), row(3, 0, 0, 0)]})
    value, low, high = runs.pck(2)
    assert (value, low, high) == pytest.approx((2 / 3, 0, 1))


def test_baselines(data):
    baselines = Baselines(data)
    assert baselines.slugs == ['bee', 'tea_cup']
    np.testing.assert_allclose(baselines.means['tea_cup'][0], [(5 - 2) / 36, (30 - 4) / 42])
    assert baselines.mean_pose().pck(0).value == 1  # all drawn alike
    # the center is (20, 25): 15 pixels from the head, 19.2 from the left wing tip
    assert baselines.box_center().pck(2, 'bee').value == 0
    rows = baselines.mean_position('bee').by_seed[0]
    assert [each['id'] for each in rows] == [101, 102]


def write(folder, trial, rows):
    folder.mkdir(exist_ok=True)
    (folder / f'{trial.name}.json').write_text(json.dumps(dict(trial=asdict(trial), instances=rows)))


def test_tables(data, tmp_path):
    out = tmp_path / 'out'
    for seed, hits in ((0, 2), (1, 4)):
        write(out, Trial('plain', seed, 'bee', images=5), [row(1, 0, 1, 2)])
        write(out, Trial('clamp', seed, 'bee', images=5), [row(1, 0, 1, hits)])
        write(out, Trial('text-query', seed), [row(1, 0, 1, 2), row(2, 1, 2, hits, category='tea_cup')])
    runs = read_runs(out)
    shots = few_shot_table(runs).splitlines()
    assert len(shots) == 4
    assert shots[3].startswith(
        '| bee | 5 | 0.2 | .500 [.500, .500] | .750 [.750, .750] | .250 [.250, .250] | +.000 +.500'
    )
    lines = main_table(runs, Baselines(data)).splitlines()
    assert [line.split(' | ')[:2] for line in lines[2:5]] == [
        ['| bee', 'TextQueryHead'],
        ['| bee', 'mean pose'],
        ['| bee', 'box center'],
    ]
    assert '| all | TextQueryHead | .125 [.000, .250]' in lines[-3] and lines[-3].endswith('| .500 .750 |')


def test_no_results(tmp_path, data, capsys):
    assert photos.main(['table', '--out-dir', str(tmp_path / 'none')]) == 1
    assert 'has no results' in capsys.readouterr().err


@needs_weights
def test_a_training_writes_its_result(data, tmp_path, capsys):
    out = tmp_path / 'out'
    options = ['--out-dir', str(out), '--parts', 'main', '--seeds', '0', '--categories', 'bee']
    small = ['--iters', '2', '--size', '64', '--cfg-options', 'train_dataloader.batch_size=2']
    workers = ['train_dataloader.num_workers=0']
    assert photos.main(['one', 'plain_bee_seed0', *options, *small, *workers]) == 0
    result = json.loads((out / 'plain_bee_seed0.json').read_text())
    assert result['trial'] == asdict(Trial('plain', 0, 'bee')) and (result['iters'], result['batch_size']) == (2, 2)
    assert [(each['id'], each['labeled'], each['category']) for each in result['instances']] == [
        (101, 3, 'bee'),
        (102, 3, 'bee'),
    ]
    capsys.readouterr()
    assert photos.main(['train', *options, '--list']) == 0
    listed = capsys.readouterr().out.splitlines()[1:]
    assert listed == ['cape_seed0', 'text-query_seed0', 'clamp_bee_seed0']  # the finished one is not run again


def test_unfinished_trainings_run_in_processes(data, tmp_path, monkeypatch, capsys):
    calls = []

    def run(command, env, **kwargs):
        calls.append((command[2:4], env['OMP_NUM_THREADS'], env.get('CUDA_VISIBLE_DEVICES')))
        return type('Done', (), dict(returncode=len(calls) % 2))

    monkeypatch.setattr(photos.subprocess, 'run', run)
    options = ['--out-dir', str(tmp_path / 'out'), '--parts', 'main', '--seeds', '0', '--methods', 'cape', 'text-query']
    assert photos.main(['train', *options, '--device', 'cpu', '--threads', '2']) == 1
    assert calls == [(['one', 'cape_seed0'], '2', ''), (['one', 'text-query_seed0'], '2', '')]
    assert '1 failed, see their log.txt: cape_seed0' in capsys.readouterr().err
