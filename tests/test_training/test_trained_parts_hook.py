"""A training of a frozen tower with LoRA: what its checkpoints hold, and that they resume and test as whole ones do."""

import json
import shutil

import numpy as np
import pytest
import torch
from lora_tower import HEAD, tower_config, write_base
from safetensors import safe_open
from tiny import write_config, write_dots
from two_processes import run_in_two_processes, train_in_parallel

from clamp_mmpose.apis.inferencer import TextPoseInferencer
from clamp_mmpose.checkpoints.reader import read_checkpoint
from clamp_mmpose.cli import test as test_command
from clamp_mmpose.cli import train

EXTRA = """
custom_imports['imports'].append('lora_tower')
custom_hooks.append(dict(type='TrainedPartsHook'))
model.update(backbone={tower!r}, head={head!r}, test_cfg=dict(flip_test=False))
train_dataloader.update(num_workers=0, persistent_workers=False)
val_evaluator = test_evaluator = dict(type='PCKAccuracy', thr=0.2)
default_hooks.update(checkpoint=dict(interval=1, max_keep_ckpts=2, save_best='PCK', rule='greater'))
train_cfg.update(max_epochs=3, val_interval=1)
"""
TRAINED = ['backbone.q_proj.lora_A.default.weight', 'backbone.q_proj.lora_B.default.weight']


def config_of(folder, extra='', augment=True, **tower):
    base = write_base(folder / 'base.pth')
    text = EXTRA.format(tower=tower_config(base, **tower), head=HEAD) + extra
    return write_config(folder / 'dots.py', write_dots(folder / 'data'), augment=augment, extra=text)


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    """A config (twelve images), and the work dir of its training."""
    folder = tmp_path_factory.mktemp('lora')
    config = config_of(folder)
    assert train.main([str(config), '--work-dir', str(folder / 'work')]) == 0
    return config, folder / 'work'


def same_weights(first, second):
    return first.keys() == second.keys() and all(torch.equal(value, second[name]) for name, value in first.items())


def test_checkpoints_hold_what_is_trained(whole):
    _, work = whole
    best = next(work.glob('best_PCK_epoch_*.pth')).name
    names = sorted([best, 'epoch_2.pth', 'epoch_3.pth'])
    assert sorted(path.name for path in work.glob('*.pth')) == names
    assert sorted(path.name for path in work.glob('*.safetensors')) == [
        name.replace('.pth', '.safetensors') for name in names
    ]
    checkpoint = read_checkpoint(work / 'epoch_3.pth')
    kept = {name for name in checkpoint['state_dict'] if name.startswith('backbone.')}
    assert kept == {
        *TRAINED,
        *(f'backbone.norm.{name}' for name in ('running_mean', 'running_var', 'num_batches_tracked')),
    }
    assert not torch.equal(checkpoint['state_dict'][TRAINED[1]], torch.zeros(32, 2))  # B starts at zero
    for name in names:
        saved, beside = (read_checkpoint(work / name.replace('.pth', suffix)) for suffix in ('.pth', '.safetensors'))
        assert same_weights(saved['state_dict'], beside['state_dict'])
        assert beside['meta']['frozen_parts'] == saved['meta']['frozen_parts']
    with safe_open(work / 'epoch_3.safetensors', 'pt') as file:
        notes = json.loads(file.metadata()['clamp_mmpose'])
    assert (notes['epoch'], notes['iter']) == (3, 9)
    assert notes['frozen_parts']['backbone']['source'] == str(work.parent / 'base.pth')


@pytest.mark.cpu
def test_a_resumed_training_has_the_same_bits(whole, tmp_path):
    config, work = whole
    resumed = shutil.copytree(work, tmp_path / 'work')
    for path in [*resumed.glob('epoch_3.*'), resumed / 'epoch_2.safetensors']:
        path.unlink()
    (resumed / 'last_checkpoint').write_text('epoch_2.pth')
    lone = resumed / 'epoch_9.safetensors'  # of a user who needs no .pth
    lone.write_bytes(b'')
    assert train.main([str(config), '--work-dir', str(resumed), '--resume']) == 0
    assert lone.exists() and (resumed / 'epoch_3.safetensors').exists()
    first, second = (read_checkpoint(folder / 'epoch_3.pth') for folder in (work, resumed))
    assert same_weights(first['state_dict'], second['state_dict'])
    states = [checkpoint['optimizer']['state'] for checkpoint in (first, second)]
    assert states[0].keys() == states[1].keys() and len(states[0]) > 2
    assert all(
        torch.equal(states[0][i][key], states[1][i][key]) for i in states[0] for key in ('exp_avg', 'exp_avg_sq')
    )


@pytest.mark.parametrize('suffix', ['pth', 'safetensors'])
def test_the_command_tests_it(whole, tmp_path, suffix):
    config, work = whole
    best = next(work.glob(f'best_PCK_epoch_*.{suffix}'))
    assert test_command.main([str(config), str(best), '--work-dir', str(tmp_path)]) == 0
    expected = read_checkpoint(work / 'epoch_3.pth')['message_hub']['runtime_info']['best_score']
    assert json.loads((tmp_path / 'test.json').read_text())['metrics']['PCK'] == pytest.approx(expected, abs=1e-12)


def test_errors_of_the_commands(whole, tmp_path, capsys):
    config, work = whole
    missing = ['--cfg-options', f'model.backbone.init_cfg.checkpoint={tmp_path}/none.pth']
    assert test_command.main([str(config), str(work / 'epoch_3.pth'), '--work-dir', str(tmp_path), *missing]) == 1
    error = capsys.readouterr().err
    assert "'backbone' cannot be loaded from" in error and error[error.index('error: ') :].count('\n') == 1
    arguments = [str(config), '--work-dir', str(tmp_path), '--resume', str(work / 'epoch_3.safetensors')]
    assert train.main(arguments) == 1
    assert 'epoch_3.safetensors has no training state' in capsys.readouterr().err


def test_the_inferencer_gives_the_same_predictions(whole):
    config, work = whole
    image = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    results = []
    for name in ('epoch_3.pth', 'epoch_3.safetensors'):
        inferencer = TextPoseInferencer(str(config), str(work / name), device='cpu', det_model='whole_image')
        assert inferencer.model.backbone.loads == 1
        results.append(next(inferencer(image, return_datasamples=True))['predictions'][0].pred_instances.keypoints)
    # the whole checkpoint of the same weights
    merged = dict(read_checkpoint(config.parent / 'base.pth'))
    content = read_checkpoint(work / 'epoch_3.pth')
    weights = {
        f'backbone.{name.replace("q_proj.", "q_proj.base_layer.")}': value
        for name, value in merged.items()
        if 'norm.running' not in name and 'num_batches' not in name
    }
    path = work / 'whole.pth'
    torch.save(dict(state_dict={**weights, **content['state_dict']}, meta={}), path)
    inferencer = TextPoseInferencer(str(config), str(path), device='cpu', det_model='whole_image')
    path.unlink()
    assert inferencer.model.backbone.loads == 0
    results.append(next(inferencer(image, return_datasamples=True))['predictions'][0].pred_instances.keypoints)
    assert np.array_equal(results[0], results[1]) and np.array_equal(results[0], results[2])


@pytest.mark.cpu
def test_with_averaged_weights(tmp_path):
    """EMAHook saves two sets of weights, and exchanges them for an evaluation."""
    extra = "custom_hooks.append(dict(type='EMAHook', momentum=0.5))\ntrain_cfg.update(max_epochs=2)"
    config = config_of(tmp_path, extra)
    work, resumed = tmp_path / 'work', tmp_path / 'resumed'
    assert train.main([str(config), '--work-dir', str(work)]) == 0
    shutil.copytree(work, resumed)
    (resumed / 'epoch_2.pth').unlink()
    (resumed / 'last_checkpoint').write_text('epoch_1.pth')
    assert train.main([str(config), '--work-dir', str(resumed), '--resume']) == 0
    first, second = (read_checkpoint(folder / 'epoch_2.pth') for folder in (work, resumed))
    assert not any('base_layer' in name for name in first['ema_state_dict'])
    assert same_weights(first['state_dict'], second['state_dict'])
    assert same_weights(first['ema_state_dict'], second['ema_state_dict'])
    assert not torch.equal(first['state_dict'][TRAINED[1]], first['ema_state_dict'][f'module.{TRAINED[1]}'])


# no dropout, whose random numbers depend on the process, and no Adam, which amplifies rounding errors
DISTRIBUTED = """
custom_imports['imports'].append('frozen_batch_norm')
custom_hooks.append(dict(type='FrozenBatchNorm'))
optim_wrapper = dict(optimizer=dict(type='SGD', lr=5., momentum=0.9))
"""


FLEXIBLE = "runner_type = 'FlexibleRunner'\nstrategy = dict(type='{}')\ntrain_cfg.update(max_epochs=2)"


SHARDED = """
runner_type = 'FlexibleRunner'
strategy = dict(
    type='ShardedStrategy',
    model_wrapper=dict(
        type='MMFullyShardedDataParallel',
        device_id='cpu',
        auto_wrap_policy=dict(type='wrap_layers', layers=['LoRATower']),
    ),
    # without copies in the memory of the CPU, which is where the weights are here
    state_dict_cfg=dict(
        state_dict_type='FULL_STATE_DICT',
        state_dict_config=dict(type='FullStateDictConfig', rank0_only=True),
        optim_state_dict_config=dict(type='FullOptimStateDictConfig', rank0_only=True),
    ),
)
train_cfg.update(max_epochs=1)
"""


@pytest.mark.cpu
def test_two_processes_equal_one(tmp_path):
    """Also with MMEngine's FlexibleRunner: by DDP, which saves other names of the weights, and by FSDP, resumed."""
    config = config_of(tmp_path / 'plain', DISTRIBUTED, augment=False, dropout=0.0)
    flexible, sharded = (
        config_of(tmp_path / name, DISTRIBUTED + extra, augment=False, dropout=0.0)
        for name, extra in (('flexible', FLEXIBLE.format('DDPStrategy')), ('sharded', SHARDED))
    )
    more = [
        ['--resume', '--change-schedule', '--cfg-options', 'train_dataloader.batch_size=2', 'train_cfg.max_epochs=2']
    ]
    assert train.main([str(config), '--work-dir', str(config.parent / 'one')]) == 0
    run_in_two_processes(train_in_parallel, tmp_path, [config, flexible, sharded], more)
    for epoch, folder in ((3, config.parent), (2, flexible.parent), (2, sharded.parent)):
        one = read_checkpoint(config.parent / 'one' / f'epoch_{epoch}.pth')
        two = read_checkpoint(folder / 'two' / f'epoch_{epoch}.pth')
        assert two['meta']['num_processes'] == 2 and two['meta']['iter'] == one['meta']['iter'] == 3 * epoch
        stamps = [content['meta']['frozen_parts']['backbone']['stamp'] for content in (one, two)]
        assert stamps[0] == stamps[1] and one['state_dict'].keys() == two['state_dict'].keys()
        for name, value in one['state_dict'].items():
            assert (value - two['state_dict'][name]).abs().max() <= 1e-5 * value.float().abs().max(), name
        assert one['state_dict'][TRAINED[1]].abs().max() > 0  # B starts at zero


@pytest.mark.cpu
def test_flexible_runner(tmp_path):
    """MMEngine's runner for FSDP and DeepSpeed, with our hooks: trains, resumes and tests as Runner does."""
    plain, flexible = (
        config_of(tmp_path / 'plain', FLEXIBLE.split('\n')[2]),
        config_of(tmp_path / 'flexible', FLEXIBLE.format('SingleDeviceStrategy')),
    )
    for config in (plain, flexible):
        assert train.main([str(config), '--work-dir', str(config.parent / 'work')]) == 0
    contents = [read_checkpoint(config.parent / 'work' / 'epoch_2.pth') for config in (plain, flexible)]
    assert same_weights(contents[0]['state_dict'], contents[1]['state_dict'])
    assert (flexible.parent / 'work' / 'epoch_2.safetensors').exists()
    resumed = shutil.copytree(flexible.parent / 'work', tmp_path / 'resumed')
    (resumed / 'epoch_2.pth').unlink()
    (resumed / 'last_checkpoint').write_text('epoch_1.pth')
    assert train.main([str(flexible), '--work-dir', str(resumed), '--resume']) == 0
    assert same_weights(contents[1]['state_dict'], read_checkpoint(resumed / 'epoch_2.pth')['state_dict'])
    scores = []
    for config in (plain, flexible):
        arguments = [str(config), str(resumed / 'epoch_2.pth'), '--work-dir', str(config.parent / 'test')]
        assert test_command.main(arguments) == 0
        scores.append(json.loads((config.parent / 'test' / 'test.json').read_text())['metrics'])
    assert scores[0] == scores[1]
