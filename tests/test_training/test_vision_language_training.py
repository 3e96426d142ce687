"""A tiny LLaVA tuned on conversations: what its checkpoints hold, resuming, and several processes."""

import json
import shutil

import cv2
import numpy as np
import pytest
import torch
from mmengine.utils import digit_version
from tiny_llava import tiny_llava_folder
from two_processes import run_in_two_processes, train_in_parallel

from clamp_mmpose.checkpoints.reader import read_checkpoint
from clamp_mmpose.cli import train

CONFIG = """
_base_ = ['mmpose::_base_/default_runtime.py']
custom_imports = dict(imports=['clamp_mmpose'], allow_failed_imports=False)
model = dict(type='VisionLanguageModel', model={model!r}, init_cfg=dict(type='Pretrained', checkpoint={model!r}))
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='collate_conversations'),
    dataset=dict(
        type='InstructionDataset',
        ann_files=['records.json'],
        data_root={data!r},
        pipeline=[dict(type='TokenizeConversation', processor={model!r})],
    ),
)
train_cfg = dict(by_epoch=True, max_epochs=2)
val_cfg = val_dataloader = val_evaluator = test_cfg = test_dataloader = test_evaluator = None
randomness = dict(seed=0)
custom_hooks = [dict(type='SyncBuffersHook'), dict(type='EpochSeedHook'), dict(type='TrainedPartsHook')]
default_hooks = dict(checkpoint=dict(interval=1, save_best=None), logger=dict(interval=1))
optim_wrapper = dict(constructor='TrainableOptimWrapperConstructor', optimizer=dict(type='AdamW', lr=1e-3))
model.update(lora=dict(rank=2))
"""
WORDS = ('left', 'right', 'eye', 'chair', 'seat', 'leg', 'nose', 'face', 'front', 'back', 'above', 'below', 'sight')


def write_records(folder):
    """Eight conversations of one or two rounds; the second and fourth, a batch of the second process, have no image."""
    rng = np.random.default_rng(0)
    records = []
    for number in range(8):
        turns = []
        for _ in range(1 + number % 2):
            turns += [{'from': 'human', 'value': ' '.join(rng.choice(WORDS, 5))}]
            turns += [{'from': 'gpt', 'value': ' '.join(rng.choice(WORDS, rng.integers(1, 9)))}]
        record = dict(id=str(number), conversations=turns)
        if number not in (1, 3):
            cv2.imwrite(str(folder / f'{number}.png'), rng.integers(0, 255, (40, 30, 3), np.uint8))
            turns[0]['value'] = f'<image>\n{turns[0]["value"]}'
            record['image'] = f'{number}.png'
        records.append(record)
    (folder / 'records.json').write_text(json.dumps(records))


@pytest.fixture(scope='module')
def base(tmp_path_factory):
    """A folder with a model and data."""
    folder = tmp_path_factory.mktemp('llava')
    tiny_llava_folder(folder / 'model')
    write_records(folder)
    return folder


def write(path, base, extra=''):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(CONFIG.format(model=str(base / 'model'), data=str(base)) + extra)
    return path


@pytest.fixture(scope='module')
def trained(base):
    """A config, and the work dir of its training: with dropout, and batches in random order."""
    config = write(base / 'lora.py', base)
    assert train.main([str(config), '--work-dir', str(base / 'work')]) == 0
    return config, base / 'work'


def test_checkpoints_hold_what_is_trained(trained):
    config, work = trained
    content = read_checkpoint(work / 'epoch_2.pth')
    assert content['meta']['frozen_parts'].keys() == {''}
    assert content['meta']['frozen_parts']['']['source'] == str(config.parent / 'model')
    weights = content['state_dict']
    # A and B of seven layers in each of two blocks, and two linear layers of the projector
    assert sum('.lora_' in name for name in weights) == 28 and sum('projector' in name for name in weights) == 4
    assert len(weights) == 32
    assert all(value.abs().max() > 0 for value in weights.values())  # B and the projector's bias start at zero
    beside = read_checkpoint(work / 'epoch_2.safetensors')['state_dict']
    assert beside.keys() == weights.keys() and all(torch.equal(beside[name], weights[name]) for name in weights)


def test_a_resumed_training_has_the_same_bits(trained, tmp_path):
    config, work = trained
    resumed = shutil.copytree(work, tmp_path / 'work')
    (resumed / 'epoch_2.pth').unlink()
    (resumed / 'last_checkpoint').write_text('epoch_1.pth')
    assert train.main([str(config), '--work-dir', str(resumed), '--resume']) == 0
    first, again = (read_checkpoint(folder / 'epoch_2.pth')['state_dict'] for folder in (work, resumed))
    earlier = read_checkpoint(work / 'epoch_1.pth')['state_dict']
    assert first.keys() == again.keys()
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    assert not any(torch.equal(value, earlier[name]) for name, value in first.items())


# no dropout and no shuffling, whose random numbers depend on the process; no Adam, which amplifies rounding errors
DISTRIBUTED = """
train_dataloader['sampler'].update(shuffle=False)
optim_wrapper.update(optimizer=dict(type='SGD', lr=0.05, momentum=0.9))
model.update(lora=dict(rank=2, dropout=0.0))
"""
SHARDED = """
model.update(tune='full', lora=None)
train_cfg.update(max_epochs=1)
runner_type = 'FlexibleRunner'
strategy = dict(
    type='ShardedStrategy',
    model_wrapper=dict(
        type='MMFullyShardedDataParallel',
        device_id='cpu',
        auto_wrap_policy=dict(type='wrap_layers', layers=['LlamaDecoderLayer', 'CLIPVisionModel']),
    ),
    # without copies in the memory of the CPU, which is where the weights are here
    state_dict_cfg=dict(
        state_dict_type='FULL_STATE_DICT',
        state_dict_config=dict(type='FullStateDictConfig', rank0_only=True),
        optim_state_dict_config=dict(type='FullOptimStateDictConfig', rank0_only=True),
    ),
)
"""


def test_two_processes_equal_one(base, tmp_path):
    """With different numbers of labeled tokens, and a process without images; by DDP, and by FSDP in full."""
    plain = write(tmp_path / 'plain' / 'config.py', base, DISTRIBUTED)
    sharded = write(tmp_path / 'sharded' / 'config.py', base, DISTRIBUTED + SHARDED)
    full = write(tmp_path / 'sharded' / 'one.py', base, DISTRIBUTED + SHARDED.split('runner_type')[0])
    runs = [(plain, plain, 2, 32), (full, sharded, 1, 25)]
    if digit_version(torch.__version__) < digit_version('2.2'):
        del runs[1]  # PyTorch's own FSDP fails on the CPU
    for config, *_ in runs:
        assert train.main([str(config), '--work-dir', str(config.parent / 'one')]) == 0
    run_in_two_processes(train_in_parallel, tmp_path, [config for _, config, *_ in runs])
    for folder, epoch, trained in ((config.parent, epoch, trained) for _, config, epoch, trained in runs):
        one, two = (read_checkpoint(folder / name / f'epoch_{epoch}.pth') for name in ('one', 'two'))
        assert two['meta']['num_processes'] == 2 and two['meta']['iter'] == one['meta']['iter'] == 2 * epoch
        assert one['state_dict'].keys() == two['state_dict'].keys()
        names = [name for name in one['state_dict'] if 'vision_tower' not in name]
        assert len(names) == trained
        for name in names:
            value = one['state_dict'][name]
            assert (value - two['state_dict'][name]).abs().max() <= 1e-5 * value.abs().max(), name
