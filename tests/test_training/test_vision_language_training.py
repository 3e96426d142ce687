"""A tiny LLaVA, and a ChatPose, tuned on conversations: their checkpoints, resuming, and several processes."""

import json
import shutil

import cv2
import numpy as np
import pytest
import torch
from mmengine.utils import digit_version
from mmpose.registry import MODELS
from PIL import Image
from tiny_llava import tiny_llava_folder
from two_processes import run_in_two_processes, train_in_parallel

from clamp_mmpose.apis.trained_model import load_vision_language_model
from clamp_mmpose.checkpoints.reader import read_checkpoint
from clamp_mmpose.cli import export, train

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
# two poses in an answer, one, none; the second process has a batch with neither images nor poses
CHAT_POSE = """
model.update(type='ChatPose', text_loss='sample', test_cfg=dict(max_new_tokens=4, force_pose=True))
train_dataloader['dataset'].update(ann_files=['poses.json'])
train_dataloader['dataset']['pipeline'][0].update(pose_token='<POSE>')
model.update(lora=dict(rank=2, targets=['q_proj', 'v_proj']))
images = dict(size=(48, 64), grid=(2, 3))
train_dataloader['dataset']['pipeline'][0].update(pose_images=images)
tower = dict(type='Pretrained', checkpoint=train_dataloader['dataset']['data_root'] + '/tower.pth')
backbone = dict(type='ResNet', depth=18, base_channels=8, out_indices=(3,), init_cfg=tower)
model.update(pose_tower=dict(backbone=backbone, in_channels=64, images=images))
"""
OWN = ('pose_head', 'pose_tower.projector')
POSE_ANSWERS = {0: 'It is <POSE>.', 2: '<POSE> and <POSE>', 5: 'left <POSE>'}
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
    for number, answer in POSE_ANSWERS.items():
        records[number]['conversations'][-1]['value'] = answer
        poses = [dict(axis_angle=rng.normal(0, 0.5, (24, 3)).tolist()) for _ in range(answer.count('<POSE>'))]
        records[number]['poses'] = poses
    records[5]['poses'][0]['joints'] = ['pelvis', 'left knee', 'head']
    (folder / 'poses.json').write_text(json.dumps(records))


@pytest.fixture(scope='module')
def base(tmp_path_factory):
    """A folder with a model and data."""
    folder = tmp_path_factory.mktemp('llava')
    tiny_llava_folder(folder / 'model')
    write_records(folder)
    tower = MODELS.build(dict(type='mmpose.ResNet', depth=18, base_channels=8))
    torch.save(tower.state_dict(), folder / 'tower.pth')
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


@pytest.fixture(scope='module')
def chat(base):
    config = write(base / 'chat.py', base, CHAT_POSE)
    assert train.main([str(config), '--work-dir', str(base / 'chat')]) == 0
    return config, base / 'chat'


def test_checkpoints_of_chat_pose(chat):
    """LoRA of query and value, both projectors, the rows of the token, the head: the others are elsewhere."""
    weights = read_checkpoint(chat[1] / 'epoch_2.pth')['state_dict']
    assert sum('.lora_' in name for name in weights) == 8 and sum('multi_modal' in name for name in weights) == 4
    own = {name for name in weights if not name.startswith('vlm.')}
    assert own == {
        'token_rows.input',
        'token_rows.output',
        *(f'{part}.layers.{i}.{kind}' for part in OWN for i in (0, 2) for kind in ('weight', 'bias')),
    }
    assert len(weights) == 12 + len(own)
    before = read_checkpoint(chat[1] / 'epoch_1.pth')['state_dict']
    assert not any(torch.equal(weights[name], before[name]) for name in own)


def test_exported_chat_pose(chat, tmp_path):
    """A folder that can be moved gives the answers and poses of the checkpoint."""
    config, work = chat
    assert export.main([str(config), str(work / 'epoch_2.pth'), '--out', str(tmp_path / 'out')]) == 0
    shutil.move(tmp_path / 'out', tmp_path / 'moved')
    asked = [[{'from': 'human', 'value': '<image>\nleft leg'}], [{'from': 'human', 'value': 'the right eye'}]]
    images = [[Image.new('RGB', (40, 30), (200, 50, 0))], []]
    answers = []
    for arguments in ((str(config), str(work / 'epoch_2.pth')), (str(tmp_path / 'moved' / 'config.py'),)):
        _, model = load_vision_language_model(*arguments)
        answers.append(model.generate_poses(images, asked, 4, force_pose=True))
        assert model.test_cfg['force_pose']
    assert all('<POSE>' in answer.text for answer in answers[0])
    for first, second in zip(*answers):
        assert first.text == second.text and (first.rotations - second.rotations).abs().max() < 1e-5
    assert (answers[0][0].rotations[0] - answers[0][1].rotations[0]).abs().max() > 1e-6


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


@pytest.mark.parametrize('kind', ['trained', 'chat'])
def test_a_resumed_training_has_the_same_bits(request, kind, tmp_path):
    config, work = request.getfixturevalue(kind)
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
POSE_LORA = "model['lora'].update(targets=['q_proj', 'v_proj'])"
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


@pytest.mark.cpu
def test_two_processes_equal_one(base, tmp_path):
    """With different numbers of labeled tokens and poses, and a process without images and poses; by DDP and FSDP."""
    plain = write(tmp_path / 'plain' / 'config.py', base, DISTRIBUTED)
    sharded = write(tmp_path / 'sharded' / 'config.py', base, DISTRIBUTED + SHARDED)
    full = write(tmp_path / 'sharded' / 'one.py', base, DISTRIBUTED + SHARDED.split('runner_type')[0])
    poses = write(tmp_path / 'poses' / 'config.py', base, CHAT_POSE + DISTRIBUTED + POSE_LORA)
    runs = [(plain, plain, 2, 32), (poses, poses, 2, 22), (full, sharded, 1, 25)]
    if digit_version(torch.__version__) < digit_version('2.2'):
        del runs[-1]  # PyTorch's own FSDP fails on the CPU
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
